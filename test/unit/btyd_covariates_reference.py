#!/usr/bin/env python3
"""Prints the numbers that test/sql/btyd_covariates_reference.sql compares with.

    btyd_covariates_reference.py        some minutes; needs python3-mpmath
    btyd_covariates_reference.py --sample    the customers, as the test has them

Run by hand. Maximum likelihood by Newton steps with 40 digits, all derivatives by differences; the
likelihoods are the textbook formulas, with mpmath's 2F1 for Pareto/NBD, so that nothing is shared with
src/math. Standard errors are from the inverse of the Hessian by the logarithms of the parameters.

    Fader, Hardie, Lee (2005): BG/NBD;  Batislam, Denizel, Filiztekin (2007): MBG/NBD
    Fader, Hardie (2005), note 009: Pareto/NBD
    Fader, Hardie (2007), Incorporating time-invariant covariates into the Pareto/NBD and BG/NBD models
    covariates of BG/NBD and MBG/NBD change the odds a / b, by a alone; CLVTools has a and b alike
"""
import math
import random
import sys

from mpmath import mp, mpf, log, exp, loggamma, hyp2f1, matrix, lu_solve, inverse, diag, sqrt, nstr

mp.dps = 40


def sample(seed=1, n=240):
    """x, t_x, t, woman, age: customers of a Pareto/NBD shop; women order more often and stay longer"""
    rng = random.Random(seed)
    rows = []
    for _ in range(n):
        woman, age = rng.randint(0, 1), rng.choice([20, 30, 40, 50, 60])
        rate = rng.gammavariate(1.2, 1 / 9.0) * math.exp(0.7 * woman - 0.015 * (age - 40))
        leave = rng.gammavariate(1.0, 1 / 14.0) * math.exp(-0.6 * woman + 0.02 * (age - 40))
        t = rng.randint(30, 60)
        x = t_x = at = 0
        life = rng.expovariate(leave)
        while True:
            at += rng.expovariate(rate)
            if at > min(t, life):
                break
            x += 1
            t_x = math.ceil(at)
        rows.append((x, min(t_x, t), t, woman, age))
    return rows


def geometric(modified, r, alpha, a, b, x, t_x, t):
    y = x + 1 if modified else x
    common = (loggamma(r + x) - loggamma(r) + r * log(alpha) + loggamma(a + b) + loggamma(b + y)
              - loggamma(b) - loggamma(a + b + y))
    there = exp(-(r + x) * log(alpha + t))
    if modified or x > 0:
        there += a / (b + y - 1) * exp(-(r + x) * log(alpha + t_x))
    return common + log(there)


def pareto(r, alpha, s, beta, x, t_x, t):
    def a(time):
        if alpha >= beta:
            return hyp2f1(r + s + x, s + 1, r + s + x + 1, (alpha - beta) / (alpha + time)) / (alpha + time) ** (r + s + x)
        return hyp2f1(r + s + x, r + x, r + s + x + 1, (beta - alpha) / (beta + time)) / (beta + time) ** (r + s + x)
    there = 1 / ((alpha + t) ** (r + x) * (beta + t) ** s)
    left = s / (r + s + x) * (a(t_x) - a(t)) if t > t_x else 0
    return (loggamma(r + x) - loggamma(r) + r * log(alpha) + s * log(beta)
            + log(there + left))


def likelihood(family, u, rows):
    """u: the logarithms of four parameters, effects on orders, effects on leaving"""
    r, alpha, p, q = [exp(v) for v in u[:4]]
    total = mpf(0)
    for (x, t_x, t, woman, age), n in rows.items():
        orders = u[4] * woman + u[5] * age
        leaving = u[6] * woman + u[7] * age
        if family == 'paretonbd':
            total += n * pareto(r, alpha * exp(-orders), p, q * exp(-leaving), x, t_x, t)
        else:
            total += n * geometric(family == 'mbgnbd', r, alpha * exp(-orders), p * exp(leaving), q, x, t_x, t)
    return total


def maximum(family, start, rows):
    u = [mpf(v) for v in start]
    h = mpf(10) ** -9
    n = len(u)

    def at(*moves):
        v = list(u)
        for j, step in moves:
            v[j] += step * h
        return likelihood(family, v, rows)

    for _ in range(30):
        here = at()
        plus, minus = [at((j, 1)) for j in range(n)], [at((j, -1)) for j in range(n)]
        g = matrix([(plus[j] - minus[j]) / (2 * h) for j in range(n)])
        hessian = matrix(n, n)
        for j in range(n):
            hessian[j, j] = (plus[j] - 2 * here + minus[j]) / h ** 2
            for k in range(j):
                hessian[j, k] = hessian[k, j] = (at((j, 1), (k, 1)) - at((j, 1), (k, -1)) - at((j, -1), (k, 1))
                                                 + at((j, -1), (k, -1))) / (4 * h ** 2)
        step = lu_solve(-hessian, g)
        longest = max(abs(s) for s in step)
        u = [v + s * min(1, mpf(1) / 2 / longest) for v, s in zip(u, step)]
        print('#', family, nstr(here, 20), nstr(longest, 5), file=sys.stderr, flush=True)
        if longest < mpf(10) ** -14:
            break
    variance = inverse(-hessian)
    errors = [sqrt(variance[j, j]) for j in range(n)]
    return (likelihood(family, u, rows), [exp(v) for v in u[:4]] + u[4:],
            [exp(v) * e for v, e in zip(u[:4], errors)] + errors[4:])


if __name__ == '__main__':
    if '--sample' in sys.argv:
        print(',\n'.join('  ' + ','.join('(%d,%d,%d,%d,%d)' % r for r in sample()[i:i + 9]) for i in range(0, 240, 9)))
        sys.exit()
    counted = {}
    for row in sample():
        counted[row] = counted.get(row, 0) + 1
    for family, start in (('bgnbd', (-0.5, 1, -1, 0, 0.5, 0, 0, 0)), ('mbgnbd', (0, 1.5, -1, 0, 0.5, 0, -0.5, 0)),
                          ('paretonbd', (0, 1.5, 0, 3, 0.5, 0, -0.5, 0))):
        value, estimates, errors = maximum(family, start, counted)
        print("  ('%s', %s, '{%s}', '{%s}')," % (family, nstr(value, 17), ','.join(nstr(v, 15) for v in estimates),
                                              ','.join(nstr(v, 10) for v in errors)), flush=True)
