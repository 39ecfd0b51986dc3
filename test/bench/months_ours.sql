SELECT m.as_of, s.segment, count(*) AS customers
  FROM unnest('{@month_ends@}'::date[]) m (as_of), shop.customer_scores_at(m.as_of) s
 GROUP BY m.as_of, s.segment
