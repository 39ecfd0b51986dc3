#!/usr/bin/env python3
"""Writes distribution_reference.csv, the values test_distribution.c compares with.

    distribution_reference.py > distribution_reference.csv      some minutes; needs python3-mpmath

Run by hand when the grid changes; the table is committed. Arguments are exact
doubles, values have 25 digits. Tails are mpmath's erfc and hypergeometric
functions at so many digits that half as many more give the same value; quantiles
are where these tails have the value, found by bisection; probabilities of counts
are quotients of whole numbers. src/math uses continued fractions, Newton's
method and Stirling's series, so the two have little in common.
"""
import math
import random
import sys
from fractions import Fraction

from mpmath import mp, mpf, erfc, sqrt, log, exp, gamma, loggamma, hyp1f1, hyperu, hyp2f1, beta as beta_function


def sure(f, digits=30, start=50):
    """f() at as many digits as it takes to have 30 of them right"""
    before = None
    mp.dps = start
    while mp.dps < 4000:
        try:
            value = mpf(f())
            if before is not None and abs(value - before) <= abs(value) * mpf(10) ** -digits:
                return value
            before = value
        except (ValueError, ZeroDivisionError, mp.NoConvergence):
            before = None
        mp.dps = mp.dps * 3 // 2
    return None


# ------------------------------------------------------------ tails

def normal_lower(x):
    return erfc(-mpf(x) / sqrt(mpf(2))) / 2


def gamma_lower(x, a):
    x, a = mpf(x), mpf(a)
    return exp(a * log(x) - x - loggamma(a + 1)) * hyp1f1(1, a + 1, x)


def gamma_upper(x, a):
    x, a = mpf(x), mpf(a)
    # the complement, at so many digits that sure() sees when enough are left
    return 1 - gamma_lower(x, a)


def beta_lower(x, a, b, y=None):
    """I_x(a, b), by the series that converges, at the side where x is small"""
    x, a, b = mpf(x), mpf(a), mpf(b)
    y = 1 - x if y is None else y
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_lower(y, b, a, x)
    return exp(a * log(x) + b * log(y) - log_beta(a, b)) / a * hyp2f1(a + b, 1, a + 1, x)


def log_beta(a, b):
    return loggamma(a) + loggamma(b) - loggamma(a + b)


def beta_upper(x, a, b):
    return beta_lower(1 - mpf(x), b, a, mpf(x))


def t_upper(x, df):
    x, df = mpf(x), mpf(df)
    if x < 0:
        return 1 - t_upper(-x, df)
    if x == 0:
        return mpf(1) / 2
    square = x * x
    return beta_lower(df / (df + square), df / 2, mpf(1) / 2, square / (df + square)) / 2


def t_lower(x, df):
    return t_upper(-mpf(x), df)


# ------------------------------------------------------------ counts

def choose(n, k):
    return math.comb(n, k) if 0 <= k <= n else 0


def binomial(k, n, p):
    """p is a whole number over 1024"""
    share = Fraction(p)
    value = choose(n, k) * share ** k * (1 - share) ** (n - k)
    return mpf(value.numerator) / mpf(value.denominator)


def hypergeometric(k, white, black, drawn):
    return mpf(choose(white, k) * choose(black, drawn - k)) / mpf(choose(white + black, drawn))


def fisher(k1, n1, k2, n2):
    """All tables with the same margins that are no likelier, in whole numbers"""
    weight = lambda k: choose(n1, k) * choose(n2, k1 + k2 - k)
    here = weight(k1)
    total = math.comb(n1 + n2, k1 + k2)
    return mpf(sum(w for w in (weight(k) for k in range(max(0, k1 + k2 - n2), min(n1, k1 + k2) + 1)) if w <= here)) / mpf(total)


# ------------------------------------------------------------ quantiles

def quantile(lower, p, low, high):
    """Bisection, of the logarithm where the support is from 0 on; lower() is increasing"""
    mp.dps = 45
    p, low, high = mpf(p), mpf(low), mpf(high)
    for i in range(130):
        middle = (low + high) / 2 if low <= 0 or high / low < 4 else sqrt(low * high)
        if lower(middle) < p:
            low = middle
        else:
            high = middle
    return (low + high) / 2


# ------------------------------------------------------------ grid

def three(value):
    """a few digits are enough, and short in the table"""
    return float('%.3g' % value)


def table():
    draw = random.Random(19080325)
    spread = lambda low, high: three(math.exp(draw.uniform(math.log(low), math.log(high))))
    print('function,arguments,value')

    def row(name, arguments, f):
        value = sure(f)
        if value is None:
            print('no reference for', name, arguments, file=sys.stderr)
        elif value == 0 or 1e-300 < abs(value) < 1e300:
            print('%s,%s,%s' % (name, ' '.join(repr(a) for a in arguments), mp.nstr(value, 25)), flush=True)

    for i in range(300):
        x = draw.choice([0.0, 1.0, 1.959963984540054, three(draw.gauss(0, 1)), three(draw.uniform(-37, 37)), draw.uniform(-37, 37), draw.uniform(-8, 8)])
        row('normal_lower', (x,), lambda: normal_lower(x))
    for i in range(600):
        a = draw.choice([0.5, 1.0, 1.5, 2.0, 4.5, 10.0, 15.5, 16.0, 50.0, 499.5, 5e3, spread(0.05, 1), spread(1, 100), spread(10, 2e5)])
        x = draw.choice([a * spread(0.001, 0.5), a + math.sqrt(a) * draw.uniform(-4, 4), a + math.sqrt(a) * draw.uniform(-4, 4), a + math.sqrt(a) * draw.uniform(0, 40), a * spread(1, 20), spread(1e-3, 700)])
        if 0 < x < 1e7:
            row('gamma_lower', (x, a), lambda: gamma_lower(x, a))
            row('gamma_upper', (x, a), lambda: gamma_upper(x, a))
    for i in range(600):
        df = draw.choice([1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 99.0, 1000.0, 31.7, spread(0.1, 2), spread(1, 100), spread(10, 1e5), spread(1e4, 1e9)])
        t = draw.choice([1.0, three(draw.gauss(0, 2)), draw.gauss(0, 2), draw.uniform(0, 38), spread(1e-6, 1e6), spread(1, 100), 1e100])
        row('t_upper', (t, df), lambda: t_upper(t, df))
    for i in range(600):
        a = draw.choice([0.5, 1.0, 2.0, 15.0, 16.0, 17.0, spread(0.05, 2), spread(1, 100), spread(10, 1e5)])
        b = draw.choice([0.5, 1.0, 2.0, 15.0, 16.0, 17.0, spread(0.05, 2), spread(1, 100), spread(10, 1e5)])
        mean, sd = a / (a + b), math.sqrt(a * b / (a + b + 1)) / (a + b)
        x = draw.choice([draw.random(), spread(1e-6, 1), 1 - 2 ** -draw.randint(2, 40), mean + sd * draw.uniform(-4, 4), mean + sd * draw.uniform(-4, 4), mean + sd * draw.uniform(-30, 30)])
        if 0 < x < 1:
            row('beta_lower', (x, a, b), lambda: beta_lower(x, a, b))
            row('beta_upper', (x, a, b), lambda: beta_upper(x, a, b))
    probability = lambda: draw.choice([0.5, 0.025, 0.975, 0.95, 0.999, 0.25, three(draw.random()), draw.random(), spread(1e-12, 0.5), spread(1e-100, 1e-3), 1 - 2 ** -draw.randint(2, 40), 0.5 + spread(1e-9, 0.1)])
    for i in range(150):
        p = probability()
        row('normal_quantile', (p,), lambda: 0 if p == 0.5 else quantile(normal_lower, p, -40, 40))
    for i in range(150):
        p, df = probability(), draw.choice([1.0, 2.0, 3.0, 9.0, 30.0, 120.0, spread(0.5, 1000), spread(1, 2e4)])
        row('chi_square_quantile', (p, df), lambda: quantile(lambda x: gamma_lower(x / 2, mpf(df) / 2), p, mpf(10) ** -250, df * 10 + 2000))
    for i in range(150):
        p, df = probability(), draw.choice([1.0, 2.0, 3.0, 10.0, 30.0, 200.0, spread(0.5, 100), spread(1, 1e4)])
        lower = lambda x: t_lower(x, df)
        if p == 0.5:
            continue
        row('t_quantile', (p, df), lambda: -quantile(lambda x: -t_lower(-x, df), -mpf(p), mpf(10) ** -20, mpf(10) ** 220) if p < 0.5
            else quantile(lower, p, mpf(10) ** -20, mpf(10) ** 220))
    for i in range(150):
        p, a, b = probability(), draw.choice([0.5, 1.0, 2.0, 81.0, spread(0.2, 50), spread(1, 1000)]), draw.choice([0.5, 1.0, 3.0, 921.0, spread(0.2, 50), spread(1, 1000)])
        # 1 - x has no digits beside 1, and doubles none below
        row('beta_quantile', (p, a, b), lambda: quantile(lambda x: beta_lower(x, a, b), p, mpf(10) ** -320, 1))
    for i in range(60):
        n = draw.choice([0, 1, 2, 10, 15, 16, 170, 1000, draw.randint(0, 200), draw.randint(0, 10 ** 6)])
        row('log_factorial', (float(n),), lambda: loggamma(mpf(n) + 1) if n > 1 else mpf(0))
    for i in range(200):
        n = draw.choice([1, 2, 10, 31, 100, 1000, 20000])
        p = draw.randint(1, 1023) / 1024
        k = draw.choice([0, n, draw.randint(0, n), min(n, max(0, round(n * p + draw.gauss(0, 2) * math.sqrt(n * p * (1 - p)))))])
        row('binomial', (float(k), float(n), p), lambda: binomial(k, n, p))
    for i in range(200):
        white, black = draw.choice([1, 3, 10, 100, 1000]), draw.choice([1, 7, 50, 900, 20000])
        drawn = draw.randint(0, white + black)
        k = draw.randint(max(0, drawn - black), min(white, drawn))
        row('hypergeometric', (float(k), float(white), float(black), float(drawn)), lambda: hypergeometric(k, white, black, drawn))
    for i in range(300):
        n1, n2 = draw.choice([1, 2, 5, 10, 40, 200, 1000, 3000]), draw.choice([1, 3, 7, 12, 50, 200, 1000, 2500])
        k1, k2 = draw.choice([0, n1, draw.randint(0, n1), draw.randint(0, min(n1, 9))]), draw.choice([0, n2, draw.randint(0, n2), draw.randint(0, min(n2, 9))])
        row('fisher', (float(k1), float(n1), float(k2), float(n2)), lambda: fisher(k1, n1, k2, n2))


if __name__ == '__main__':
    table()
