#!/usr/bin/env python3
"""Writes btyd_reference.csv, the values test_btyd.c compares with.

    btyd_reference.py > btyd_reference.csv      a few minutes; needs python3-mpmath
    btyd_reference.py --regular                 the rows of MBG/CNBD-k alone, which are the last but those of
    btyd_reference.py --discounted              discounted orders within a horizon
    btyd_reference.py --opportunities           the rows of BG/BB, which come last
    btyd_reference.py --simulate                the same formulas against simulated customers

Run by hand when the grid changes; the table is committed. Arguments are exact
doubles, values have 25 digits. The formulas are those of the literature, with
2F1 and Psi as mpmath computes them, at so many digits that twice as many give
the same value; src/math computes the same quantities as sums and integrals of
positive terms, so the two have little in common. Literature:

    Fader, Hardie, Lee (2005), "Counting your customers" the easy way: BG/NBD
    Batislam, Denizel, Filiztekin (2007); Wagner, Hoppe (2008): MBG/NBD
    Schmittlein, Morrison, Colombo (1987); Fader, Hardie (2005), note 009: Pareto/NBD
    Fader, Hardie (2006), Deriving an expression for P(X(t)=x) under the Pareto/NBD model
    Fader, Hardie, Lee (2005), RFM and CLV: DERT; Fader, Hardie (2013), note 025: Gamma-Gamma
    Fader, Hardie, Shang (2010), Customer-base analysis in a discrete-time noncontractual setting: BG/BB
    Reutterer, Platzer, Schroeder (2021): likelihood and P(alive) of MBG/CNBD-k; its counts are sums
        over orders of the tails of the negative binomial, at as many hidden events as they take
"""
import math
import random
import sys

from mpmath import mp, mpf, log, exp, loggamma, hyp2f1, hyperu, binomial, beta as beta_function

MBG, BG, PARETO, REGULAR, BGBB = 0, 1, 2, 3, 4


def sure(f, digits=32, least=0, start=50):
    """f() at as many digits as it takes to have 32 of them right; below least, as many decimals fewer."""
    before = None
    mp.dps = start
    while mp.dps < 6000:
        try:
            value = f()
            flat = value if isinstance(value, (list, tuple)) else [value]
            flat = [mpf(v) for v in flat]
            if before is not None and all(
                    abs(v - w) <= max(abs(v), least) * mpf(10) ** -digits for v, w in zip(flat, before)):
                return flat
            before = flat
        except (ValueError, ZeroDivisionError, mp.NoConvergence):
            before = None
        mp.dps *= 2
    return None


def off(value, singular):
    """value, moved off a removable singularity by less than anybody can see"""
    if abs(value - singular) < mpf(10) ** (-mp.dps // 3):
        return value + mpf(10) ** (-mp.dps // 3)
    return value


# ------------------------------------------------------------ hypergeometric

def count(n, a, b, y):
    n, a, b, y = map(mpf, (n, a, b, y))
    a = off(a, 1)
    c = off(a + b - 1, 0)
    z = y / (1 + y)
    value = c / (a - 1) * (1 - (1 - z) ** (a - 1) * hyp2f1(c - n, a - 1, c, z))
    if not 0 < value < n * y:
        # mpmath 1.3.0 has this one wrong where b is 10,000; Pfaff's form of it is right
        value = c / (a - 1) * (1 - hyp2f1(n, a - 1, c, -y))
    if not 0 < value < n * y:
        raise mp.NoConvergence
    return value


def pareto_difference(n, s, alpha, beta, length):
    """ln of the difference of the two 2F1 of note 009, alpha and beta at t_x, with u = 0 at t_x"""
    n, s, alpha, beta, length = map(mpf, (n, s, alpha, beta, length))
    m = max(alpha, beta)
    k = s + 1 if alpha >= beta else n
    delta = abs(alpha - beta)

    def f(u):
        return hyp2f1(n + s, k, n + s + 1, delta / (m + u)) * exp(-(n + s) * log((m + u) / m))
    return log((f(mpf(0)) - f(length)) / (n + s)) - (n + s) * log(m) + n * log(alpha) + s * log(beta)


def tricomi(s, y):
    s, y = mpf(s), mpf(y)
    return exp((s - 1) * log(y)) * hyperu(s, s, y)


def negative_binomial(r, y, n):
    r, y = mpf(r), mpf(y)
    if y == 0:
        return mpf(1 if n == 0 else 0)
    return exp(loggamma(r + n) - loggamma(r) - loggamma(n + 1) - r * log(1 + y) + n * log(y / (1 + y)))


def negative_binomial_tail(r, y, n):
    r, y, n = mpf(r), mpf(y), mpf(n)
    if n == 0:
        return mpf(1)
    if n > r * y:
        return negative_binomial(r, y, n) * hyp2f1(1, r + n, n + 1, y / (1 + y))
    # 1 - the sum of the terms below n
    term = (1 + y) ** -r
    below = mpf(0)
    for j in range(int(n)):
        below += term
        term *= y / (1 + y) * (r + j) / (j + 1)
    return 1 - below


# ------------------------------------------------------------------- models

def odds_gone(family, p, x, t_x, t):
    """odds that the customer has gone, None for never"""
    r, alpha, c, d = p
    if family == PARETO:
        s, beta = c, d
        if t == t_x:
            return None
        return s * exp(pareto_difference(r + x, s, alpha + t_x, beta + t_x, t - t_x)
                       + (r + x) * log((alpha + t) / (alpha + t_x)) + s * log((beta + t) / (beta + t_x)))
    a, b = c, d
    if family == BG and x == 0:
        return None
    return a / (b + x - (1 if family == BG else 0)) * exp((r + x) * log((alpha + t) / (alpha + t_x)))


def silence(p, x, t_x, t):
    """weights of 0 .. k - 1 hidden events in a silence"""
    r, alpha, c, d, k = p
    return [exp(loggamma(r + k * x + j) - loggamma(r + k * x) - loggamma(j + 1)) * ((t - t_x) / (alpha + t)) ** j
            for j in range(int(k))]


def bb_parts(p, x, t_x, n):
    """the likelihoods of having stayed, and of having left"""
    a, b, g, d = p
    both = beta_function(a, b) * beta_function(g, d)
    stayed = beta_function(a + x, b + n - x) * beta_function(g, d + n) / both
    left = sum(beta_function(a + x, b + t_x - x + i) * beta_function(g + 1, d + t_x + i) / both for i in range(int(n - t_x)))
    return stayed, left


def bb_count(p, k, n):
    a, b, g, d = p
    both = beta_function(a, b) * beta_function(g, d)
    return (binomial(n, k) * beta_function(a + k, b + n - k) * beta_function(g, d + n) / both
            + sum(binomial(i, k) * beta_function(a + k, b + i - k) * beta_function(g + 1, d + i) / both
                  for i in range(int(k), int(n))))


def bb_expected(p, n):
    a, b, g, d = p
    g = off(g, 1)
    return a / (a + b) * d / (g - 1) * (1 - exp(loggamma(g + d) - loggamma(g + d + n) + loggamma(1 + d + n) - loggamma(1 + d)))


def bb_posterior(p, x, n):
    a, b, g, d = p
    return a + x, b + n - x, g, d + n


def log_likelihood(family, p, x, t_x, t):
    if family == BGBB:
        return log(sum(bb_parts(p, x, t_x, t)))
    if family == REGULAR:
        r, alpha, c, d, k = p
        return (loggamma(r + k * x) - loggamma(r) + r * log(alpha) - (r + k * x) * log(alpha + t)
                + loggamma(c + d) + loggamma(d + x + 1) - loggamma(d) - loggamma(c + d + x + 1)
                + log(sum(silence(p, x, t_x, t)) + c / (d + x) * ((alpha + t) / (alpha + t_x)) ** (r + k * x)))
    r, alpha, c, d = p
    odds = odds_gone(family, p, x, t_x, t)
    value = loggamma(r + x) - loggamma(r) + r * log(alpha) - (r + x) * log(alpha + t)
    if family == PARETO:
        value += c * log(d) - c * log(d + t)
    else:
        n = x + 1 if family == MBG else x
        value += loggamma(c + d) + loggamma(d + n) - loggamma(d) - loggamma(c + d + n)
    return value if odds is None else value + log(1 + odds)


def with_gradient(f, p):
    """f(p) and its gradient, by differences far below the digits printed"""
    result = [f(p)]
    for i in range(min(len(p), 4)):
        h = p[i] * mpf(10) ** (-mp.dps // 3)
        up, down = list(p), list(p)
        up[i] += h
        down[i] -= h
        result.append((f(up) - f(down)) / (2 * h))
    return result


def alive(family, p, x, t_x, t):
    if family == BGBB:
        stayed, left = bb_parts(p, x, t_x, t)
        return stayed / (stayed + left)
    if family == REGULAR:
        r, alpha, c, d, k = p
        return 1 / (1 + c / (d + x) * ((alpha + t) / (alpha + t_x)) ** (r + k * x) / sum(silence(p, x, t_x, t)))
    odds = odds_gone(family, p, x, t_x, t)
    return mpf(1) if odds is None else 1 / (1 + odds)


def regular_orders(p, x, t_x, t, horizon):
    """of one who is still there: for each order, the probability that they have not left before and that it has time"""
    r, alpha, c, d, k = p
    weights = silence(p, x, t_x, t)
    y = horizon / (alpha + t)
    total = mpf(0)
    for j in range(int(k)):
        shape, stays, n, tail = r + k * x + j, mpf(1), 1, mpf(1)
        # tails from one to the next, as 1 - the sum of the terms below, with digits to spare
        term, below, m = (1 + y) ** -shape, mpf(0), 0
        while True:
            while m < n * k - j:
                below += term
                term *= y / (1 + y) * (shape + m) / (m + 1)
                m += 1
            tail = 1 - below
            if tail < mpf(10) ** (10 - mp.dps):
                if n == 1 or tail * stays > total * mpf(10) ** -35:
                    tail = term * hyp2f1(1, shape + m, m + 1, y / (1 + y))
                else:
                    break
            total += weights[j] * stays * tail
            if tail * stays < total * mpf(10) ** -36:
                break
            stays *= (d + x + n) / (c + d + x + n)
            n += 1
    return total / sum(weights)


def regular_probability(p, n, x, t_x, t, horizon):
    r, alpha, c, d, k = p
    weights = silence(p, x, t_x, t)
    y = horizon / (alpha + t)
    b = d + x + 1
    total = mpf(0)
    for j in range(int(k)):
        shape = r + k * x + j
        exactly = sum(negative_binomial(shape, y, m) for m in range(max(0, int(n * k) - j), int((n + 1) * k) - j))
        total += weights[j] * beta_function(c, b + n) / beta_function(c, b) * exactly
        if n > 0:
            total += (weights[j] * beta_function(c + 1, b + n - 1) / beta_function(c, b)
                      * negative_binomial_tail(shape, y, n * k - j))
    return total / sum(weights)


def expected(family, p, x, t_x, t, horizon):
    if family == BGBB:
        return alive(family, p, x, t_x, t) * bb_expected(bb_posterior(p, x, t), horizon)
    if family == REGULAR:
        return alive(family, p, x, t_x, t) * regular_orders(p, x, t_x, t, horizon)
    r, alpha, c, d = p
    if family == PARETO:
        s, beta = off(c, 1), d
        rest = (r + x) * (beta + t) / ((alpha + t) * (s - 1)) * (1 - ((beta + t) / (beta + t + horizon)) ** (s - 1))
    else:
        rest = count(r + x, c, d + x + (1 if family == MBG else 0), horizon / (alpha + t))
    return alive(family, p, x, t_x, t) * rest


def unconditional(family, p, t):
    if family == BGBB:
        return bb_expected(p, t)
    if family == REGULAR:
        return expected(family, p, mpf(0), mpf(0), mpf(0), t)
    r, alpha, c, d = p
    if family == PARETO:
        s, beta = off(c, 1), d
        return r * beta / (alpha * (s - 1)) * (1 - (beta / (beta + t)) ** (s - 1))
    if family == BG:
        return count(r, c, d, t / alpha)
    return d / (c + d) * count(r, c, d + 1, t / alpha)


def probability(family, p, n, t):
    if family == BGBB:
        return bb_count(p, n, t)
    if family == REGULAR:
        return probability_after(family, p, n, mpf(0), mpf(0), mpf(0), t)
    r, alpha, c, d = p
    y = t / alpha
    if family == PARETO:
        s, beta = c, d
        m = max(alpha, beta)
        k = s + 1 if alpha >= beta else r + n

        def after(u, i):
            """the integral of w^(n - i) (alpha + u + w)^-(r + n) (beta + u + w)^-(s + 1)"""
            return (beta_function(n - i + 1, r + s + i) * (m + u) ** -(r + s + i)
                    * hyp2f1(r + s + i, k, r + s + n + 1, abs(alpha - beta) / (m + u)))
        gone = after(mpf(0), 0) - sum(binomial(n, i) * t ** i * after(t, i) for i in range(n + 1))
        return (negative_binomial(r, y, n) * (beta / (beta + t)) ** s
                + exp(loggamma(r + n) - loggamma(r) - loggamma(n + 1)) * s * alpha ** r * beta ** s * gone)
    if family == BG:
        value = beta_function(c, d + n) / beta_function(c, d) * negative_binomial(r, y, n)
        if n > 0:
            value += beta_function(c + 1, d + n - 1) / beta_function(c, d) * negative_binomial_tail(r, y, n)
        return value
    return (beta_function(c, d + n + 1) * negative_binomial(r, y, n)
            + beta_function(c + 1, d + n) * negative_binomial_tail(r, y, n)) / beta_function(c, d)


def probability_after(family, p, n, x, t_x, t, horizon):
    """of n repeat days within the horizon after t: without one, by the likelihoods of the two ages; else by
    what is known of those who are still there, who are new customers with other parameters"""
    if n == 0:
        return exp(log_likelihood(family, p, x, t_x, t + horizon) - log_likelihood(family, p, x, t_x, t))
    if family == REGULAR:
        return alive(family, p, x, t_x, t) * regular_probability(p, n, x, t_x, t, horizon)
    if family == BGBB:
        return alive(family, p, x, t_x, t) * bb_count(bb_posterior(p, x, t), n, horizon)
    r, alpha, c, d = p
    if family == PARETO:
        later = (r + x, alpha + t, c, d + t)
    else:
        later = (r + x, alpha + t, c, d + x + (1 if family == MBG else 0))
    return alive(family, p, x, t_x, t) * probability(PARETO if family == PARETO else BG, later, n, horizon)


def residual(family, p, x, t_x, t, rate):
    """Fader, Hardie, Lee (2005), with the customer's likelihood"""
    if family == BGBB:
        a, b, g, d = p
        v = exp(-rate)
        return (beta_function(a + x + 1, b + t - x) / beta_function(a, b) * beta_function(g, d + t + 1) / beta_function(g, d) * v
                * hyp2f1(1, d + t + 1, g + d + t + 1, v) / sum(bb_parts(p, x, t_x, t)))
    r, alpha, s, beta = p
    likelihood = exp(log_likelihood(family, p, x, t_x, t))
    return (alpha ** r * beta ** s * rate ** (s - 1) * exp(loggamma(r + x + 1) - loggamma(r))
            * hyperu(s, s, rate * (beta + t)) / ((alpha + t) ** (r + x + 1) * likelihood))


def residual_within(family, p, x, t_x, t, rate, horizon):
    """by the rate of orders, which is the derivative of what is expected; of regular buyers by parts"""
    if family == PARETO:
        r, alpha, s, beta = p
        return alive(family, p, x, t_x, t) * (r + x) / (alpha + t) * mp.quad(
            lambda u: exp(-rate * u) * (1 + u / (beta + t)) ** -s, mp.linspace(0, horizon, 9))
    if family == REGULAR:
        k, scale = int(p[4]), p[4] * (p[1] + t) / (p[0] + p[4] * x)
        points = mp.linspace(0, horizon, int(min(60, 2 + horizon / scale)))
        return exp(-rate * horizon) * expected(family, p, x, t_x, t, horizon) + rate * mp.quad(
            lambda u: exp(-rate * u) * expected(family, p, x, t_x, t, u), points, maxdegree=4)
    r, alpha, a, b = p
    b += x + (1 if family == MBG else 0)
    return alive(family, p, x, t_x, t) * (r + x) / (alpha + t) * mp.quad(
        lambda u: exp(-rate * u) * hyp2f1(r + x + 1, a, a + b, -u / (alpha + t)), mp.linspace(0, horizon, 9))


def spend_log_likelihood(p, x, m):
    p, q, g = p
    return (loggamma(p * x + q) - loggamma(p * x) - loggamma(q) + q * log(g) + (p * x - 1) * log(m)
            + p * x * log(x) - (p * x + q) * log(x * m + g))


def spend_expected(p, x, m):
    p, q, g = p
    return (g + x * m) * p / (p * x + q - 1)


# --------------------------------------------------------------------- grid

COUNTS = [0, 0, 1, 1, 2, 3, 7, 15, 16, 17, 18, 40, 130, 300, 700, 2000]
AGES = [0.25, 3.0, 38.857142857142854, 40.0, 77.85714285714286, 365.0, 2000.0, 1e4, 1e5]
PUBLISHED = {
    MBG: (0.524839, 6.183005, 0.891360, 1.614003),
    BG: (0.242593, 4.413536, 0.792884, 2.425757),
    PARETO: (0.553263, 10.577401, 0.606200, 11.667518),
    REGULAR: (1.329175, 2.812551, 0.424709, 0.790029, 2.0),
}


def three(value):
    """a few digits are enough, and short in the table"""
    return float('%.3g' % value)


def any_parameters(draw, family):
    kind = draw.random()
    if kind < 0.15:
        return PUBLISHED[family]
    shape = lambda: three(math.exp(draw.uniform(math.log(0.02), math.log(30))))
    scale = lambda: three(math.exp(draw.uniform(math.log(0.3), math.log(2000))))
    p = [shape(), scale(), shape(), scale() if family == PARETO else shape()]
    if kind < 0.35:
        # the removable singularities, and a hair beside them
        p[2] = draw.choice([1.0, 1.0, 1.0 + 2 ** -52, 1 - 2 ** -30, 1.000001, 0.999])
    elif kind < 0.45 and family == PARETO:
        p[3] = draw.choice([p[1], p[1] * (1 + 2 ** -40), p[1] * 1.001])
    elif kind < 0.45:
        p[3] = draw.choice([1.0 - p[2] if p[2] < 1 else 0.5, 40.0, 300.0, 1e4])
    elif kind < 0.55:
        # nearly everybody alike, nearly everybody different
        p[0] = draw.choice([1e-3, 400.0, 1e4])
        p[1] = p[0] * draw.choice([1.0, 10.0, 100.0])
    return tuple(p)


def any_customer(draw):
    x = draw.choice(COUNTS)
    t = draw.choice(AGES)
    t_x = t * draw.choice([1.0, 1 - 2 ** -20, 0.99, 0.9, 0.5, 0.5, 0.1, 0.01]) if x > 0 else 0.0
    return x, t_x, t


def regular_rows():
    draw = random.Random(20261201)

    def case(counts, furthest):
        p = any_parameters(draw, MBG)
        p = PUBLISHED[REGULAR] if p == PUBLISHED[MBG] else (*p, float(draw.choice([1, 2, 2, 3, 3, 4, 7, 12])))
        x = draw.choice(counts)
        t = draw.choice(AGES[:furthest])
        t_x = t * draw.choice([1.0, 1 - 2 ** -20, 0.99, 0.9, 0.5, 0.5, 0.1, 0.01]) if x > 0 else 0.0
        return p, (x, t_x, t), draw.choice(AGES[:7] + [1e-6])

    for i in range(300):
        p, customer, horizon = case(COUNTS, 9)
        yield 'likelihood', (REGULAR, p, customer), lambda p: with_gradient(
            lambda q: log_likelihood(REGULAR, q, *map(mpf, customer)), p)
        yield 'alive', (REGULAR, p, customer), lambda p, *c: alive(REGULAR, p, *c)
    for i in range(400):
        p, customer, horizon = case(COUNTS[:13], 7)
        n = draw.choice([0, 0, 0, 1, 1, 2, 5, 40])
        # not those that take mpmath minutes
        if (p[0] + p[4] * customer[0]) * horizon / (p[1] + customer[2]) < 3000 and horizon / (p[1] + customer[2]) < 100:
            yield 'expected', (REGULAR, p, (*customer, horizon)), lambda p, *c: expected(REGULAR, p, *c)
            yield ('probability_after', (REGULAR, p, (n, *customer, horizon)),
                   lambda p, *c: probability_after(REGULAR, p, int(c[0]), *c[1:]))
        if p[0] * horizon / p[1] < 3000 and horizon / p[1] < 100:
            yield 'unconditional', (REGULAR, p, (horizon,)), lambda p, *c: unconditional(REGULAR, p, *c)
            yield 'probability', (REGULAR, p, (n, horizon)), lambda p, *c: probability(REGULAR, p, int(c[0]), *c[1:])


def discounted_rows():
    draw = random.Random(20261202)
    for family in (MBG, BG, PARETO, REGULAR):
        for i in range(8 if family == REGULAR else 100):
            p = any_parameters(draw, MBG if family == REGULAR else family)
            x, t_x, t = any_customer(draw)
            x = min(x, 130)
            if family == REGULAR:
                p, x, t, t_x = (*PUBLISHED[REGULAR][:4], float(draw.choice([2, 3]))), min(x, 7), 40.0, 38.0 if x else 0.0
            rate, horizon = draw.choice([1e-9, 0.0018, 0.0027, 0.05]), draw.choice([1.0, 12.0, 52.0, 260.0])
            # not those that take mpmath minutes
            if p[0] < 300 and p[3] < 300 and (family != REGULAR or horizon < 100):
                yield ('residual_within', (family, p, (x, t_x, t, rate, horizon)),
                       lambda p, *c: residual_within(family, p, *c))


def opportunity_rows():
    draw = random.Random(20261203)

    def case():
        value = lambda low, high: three(math.exp(draw.uniform(math.log(low), math.log(high))))
        p = [value(0.02, 50) for i in range(4)]
        if draw.random() < 0.2:
            p[2] = draw.choice([1.0, 1 + 2 ** -52, 1 - 2 ** -30])
        n = draw.choice([1, 2, 6, 6, 12, 52, 300])
        t_x = draw.choice([0, n, draw.randint(0, n)])
        x = draw.randint(1, t_x) if t_x > 0 else 0
        return tuple(p), (float(x), float(t_x), float(n)), float(draw.choice([1, 2, 5, 12, 100])), draw.choice([0, 0, 1, 2, 5])

    for i in range(200):
        p, customer, horizon, k = case()
        yield 'likelihood', (BGBB, p, customer), lambda p: with_gradient(
            lambda q: log_likelihood(BGBB, q, *map(mpf, customer)), p)
        yield 'alive', (BGBB, p, customer), lambda p, *c: alive(BGBB, p, *c)
        yield 'expected', (BGBB, p, (*customer, horizon)), lambda p, *c: expected(BGBB, p, *c)
        yield 'unconditional', (BGBB, p, (horizon,)), lambda p, *c: unconditional(BGBB, p, *c)
        if k <= horizon:
            yield 'probability', (BGBB, p, (k, horizon)), lambda p, *c: probability(BGBB, p, int(c[0]), *c[1:])
            yield ('probability_after', (BGBB, p, (k, *customer, horizon)),
                   lambda p, *c: probability_after(BGBB, p, int(c[0]), *c[1:]))
        yield ('residual', (BGBB, p, (*customer, draw.choice([0.01, 0.0953, 0.5]))), lambda p, *c: residual(BGBB, p, *c))


def rows():
    draw = random.Random(20050524)
    up_to = lambda low, high: three(math.exp(draw.uniform(math.log(low), math.log(high))))

    for i in range(500):
        p = any_parameters(draw, BG)
        x = draw.choice(COUNTS)
        y = draw.choice([draw.choice(AGES) / (p[1] + draw.choice([0.0, 40.0])), up_to(1e-9, 1e5), up_to(1e-2, 1e2)])
        yield 'count', (p[0] + x, p[2], p[3] + x, y), count
    for i in range(400):
        p = any_parameters(draw, PARETO)
        x, t_x, t = any_customer(draw)
        if t_x < t:
            yield 'log_pareto', (p[0] + x, p[2], p[1] + t_x, p[3] + t_x, t - t_x), pareto_difference
    for i in range(200):
        yield 'tricomi', (draw.choice([1.0, 2.0, 0.6061, up_to(1e-3, 30)]), up_to(1e-9, 1e3)), tricomi
    for i in range(200):
        yield ('log_tail', (draw.choice([up_to(1e-3, 30), 400.0, 1e4]), up_to(1e-4, 1e5), draw.choice(COUNTS)),
               lambda *a: log(negative_binomial_tail(*a)))

    for family in (MBG, BG, PARETO):
        for i in range(300):
            p, customer = any_parameters(draw, family), any_customer(draw)
            yield 'likelihood', (family, p, customer), lambda p: with_gradient(
                lambda q: log_likelihood(family, q, *map(mpf, customer)), p)
        for i in range(200):
            yield 'alive', (family, any_parameters(draw, family), any_customer(draw)), lambda p, *c: alive(family, p, *c)
        for i in range(200):
            yield ('expected', (family, any_parameters(draw, family), (*any_customer(draw), draw.choice(AGES + [1e-6]))),
                   lambda p, *c: expected(family, p, *c))
        for i in range(100):
            yield ('unconditional', (family, any_parameters(draw, family), (draw.choice(AGES + [1e-6]),)),
                   lambda p, *c: unconditional(family, p, *c))
        for i in range(150):
            p = any_parameters(draw, family)
            n, t = draw.choice(COUNTS[:12] if family == PARETO else COUNTS), draw.choice(AGES)
            # not those that take mpmath minutes
            if family != PARETO or p[0] < 1000:
                yield 'probability', (family, p, (n, t)), lambda p, *c: probability(family, p, int(c[0]), *c[1:])
    for i in range(150):
        yield ('residual', (PARETO, any_parameters(draw, PARETO),
                            (*any_customer(draw), draw.choice([0.0027, 0.15 / 52, 1e-5, 1e-3, 0.1, 2.0]))),
               lambda p, *c: residual(PARETO, p, *c))
    for i in range(150):
        p = (up_to(0.1, 50), up_to(0.2, 50), up_to(0.1, 1000))
        x, m = draw.choice(COUNTS[2:]), up_to(0.01, 1e4)
        yield 'spend', (p, (x, m)), lambda p: with_gradient(lambda q: spend_log_likelihood(q, mpf(x), mpf(m)), p)
        if p[0] * x + p[1] > 1:
            yield 'spend_expected', (p, (x, m)), lambda p, x, m: spend_expected(p, x, m)

    draw = random.Random(20261130)
    for family in (MBG, BG, PARETO):
        for i in range(220):
            p, (x, t_x, t) = any_parameters(draw, family), any_customer(draw)
            n, horizon = draw.choice([0, 0, 0, 1, 1, 2, 5, 40]), draw.choice(AGES + [1e-6])
            # not those that take mpmath minutes
            if family != PARETO or n == 0 or p[0] + x < 1000:
                yield ('probability_after', (family, p, (n, x, t_x, t, horizon)),
                       lambda p, *c: probability_after(family, p, int(c[0]), *c[1:]))

    yield from regular_rows()
    yield from discounted_rows()
    yield from opportunity_rows()


def flat(arguments):
    for a in arguments:
        if isinstance(a, tuple):
            yield from a
        else:
            yield a


def table(rows):
    for name, arguments, f in rows:
        if name in ('count', 'log_pareto', 'tricomi', 'log_tail'):
            call = lambda: f(*arguments)
        elif name in ('likelihood', 'spend'):
            call = lambda: f([mpf(v) for v in (arguments[0] if name == 'spend' else arguments[1])])
        else:
            call = lambda: f([mpf(v) for v in arguments[-2]], *map(mpf, arguments[-1]))
        values = sure(call, 18 if name == 'residual_within' else 32, mpf('1e-6') if name == 'likelihood' else 0,
                      25 if name == 'residual_within' else 50)
        if values is None:
            print('no reference for', name, arguments, file=sys.stderr)
            continue
        print('%s,%s,%s' % (name, ' '.join(repr(v) for v in flat(arguments)),
                            ' '.join(mp.nstr(v, 25) for v in values)), flush=True)


# --------------------------------------------------------------- simulation

def simulated(draw, family, p):
    """The days of one customer: a function from t to the count in (0, t], and until when they stay."""
    r, alpha, c, d = p[:4]
    rate = draw.gammavariate(r, 1 / alpha)
    days, now = [], 0.0
    if family == PARETO:
        end = draw.expovariate(draw.gammavariate(c, 1 / d))
    else:
        end = math.inf
        leave = draw.betavariate(c, d)
        if family != BG and draw.random() < leave:
            end = 0.0
    while True:
        now += sum(draw.expovariate(rate) for stage in range(int(p[4]) if family == REGULAR else 1)) if rate > 0 else math.inf
        if now > min(end, 150):
            return days, end
        days.append(now)
        if family != PARETO and draw.random() < leave:
            return days, now


def simulate(customers=400000):
    """Every prediction against what simulated customers do; |z| above 4 would be a wrong formula."""
    worst = 0
    for family, p in PUBLISHED.items():
        draw = random.Random(family)
        p = [mpf(v) for v in p]
        people = [simulated(draw, family, [float(v) for v in p]) for i in range(customers)]

        def compare(what, hits, n, value):
            nonlocal worst
            mean = sum(hits) / n
            error = math.sqrt(max(sum((h - mean) ** 2 for h in hits), 1) / n / n)
            worst = max(worst, abs(mean - float(value)) / error)
            print('%d %-24s formula %.6f simulated %.6f z %+.2f' % (
                family, what, value, mean, (mean - float(value)) / error))
        for t in (10, 39, 150):
            counts = [sum(day <= t for day in days) for days, end in people]
            compare('E[X(%d)]' % t, counts, customers, unconditional(family, p, mpf(t)))
            for n in (0, 1, 2, 5):
                compare('P(X(%d) = %d)' % (t, n), [c == n for c in counts], customers, probability(family, p, n, mpf(t)))
        # those with x repeat days until 39, the last of them in a narrow band
        for x, low, high in ((0, -1, 0), (1, 9, 11), (2, 29, 31), (4, 34, 36)):
            alike = []
            for days, end in people:
                seen = [day for day in days if day <= 39]
                if len(seen) == x and low <= (seen[-1] if seen else 0) <= high:
                    alike.append((end > 39, len(days) - x, sum(day > 39 and day <= 60 for day in days)))
            t_x = mpf(low + high) / 2 if x else mpf(0)
            compare('P(alive | %d, %s)' % (x, t_x), [a for a, y, z in alike], len(alike), alive(family, p, x, t_x, mpf(39)))
            compare('E[Y(111) | %d, %s]' % (x, t_x), [y for a, y, z in alike], len(alike),
                    expected(family, p, x, t_x, mpf(39), mpf(111)))
            for n in (0, 1, 2):
                compare('P(Y(21) = %d | %d, %s)' % (n, x, t_x), [z == n for a, y, z in alike], len(alike),
                        probability_after(family, p, n, x, t_x, mpf(39), mpf(21)))
    print('largest |z|: %.2f' % worst)


if __name__ == '__main__':
    if sys.argv[1:] == ['--simulate']:
        simulate()
    elif sys.argv[1:] == ['--regular']:
        table(regular_rows())
    elif sys.argv[1:] == ['--opportunities']:
        table(opportunity_rows())
    elif sys.argv[1:] == ['--discounted']:
        table(discounted_rows())
    else:
        print('function,arguments,values')
        table(rows())
