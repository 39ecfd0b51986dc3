-- Explanations: why a customer has his scores and segment, and the smallest step
-- to a better one.

