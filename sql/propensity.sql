-- Propensity: logistic regression, and how well any score separates and is
-- calibrated.

