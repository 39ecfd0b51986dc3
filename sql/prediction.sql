-- Prediction: buy-till-you-die models of orders, the Gamma-Gamma model of spend,
-- lifetime value. Fits are jsonb documents that describe themselves.

