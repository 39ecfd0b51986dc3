SELECT * FROM shop.segment_history('2024-01-31', '2024-12-31', '1 month')
