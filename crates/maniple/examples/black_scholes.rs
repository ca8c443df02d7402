//! Prices of options by Black and Scholes: a long chain of element-wise operations, which becomes one pass.
//!
//! Run with `cargo run --release --package maniple --example black_scholes [OPTIONS]`.

use maniple::{Array, Op, Operand, Result, Scalar, apply_one, s};
use std::time::Instant;

const RATE: f64 = 0.03;

fn main() -> Result<()> {
    let count = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(1_000_000);
    let spot = spread(count, 60.0, 140.0, 1)?;
    let strike = spread(count, 70.0, 130.0, 7)?;
    let years = spread(count, 0.1, 2.0, 13)?;
    let volatility = spread(count, 0.1, 0.6, 29)?;
    maniple::sync()?;

    let (started, before) = (Instant::now(), maniple::statistics());
    let (call, put) = prices(&spot, &strike, &years, &volatility)?;
    maniple::sync()?;
    let (seconds, after) = (started.elapsed().as_secs_f64(), maniple::statistics());

    // A call less a put is worth the difference between the share and the discounted strike, whatever the volatility.
    let parity = &call - &put - (&spot - &strike * (&years * -RATE).exp()?);
    let worst = parity.absolute()?.max()?.item()?.as_f64();
    assert!(worst < 1e-5, "put and call differ by {worst}");
    let one = count / 3;
    let price = call.slice(s![one])?.item()?.as_f64();
    let expected = price_of_one(&[&spot, &strike, &years, &volatility], one)?;
    assert!((price - expected).abs() < 1e-4, "{price} instead of {expected}");

    println!("{count} options in {:.1} ms: {:.1} ns each", seconds * 1e3, seconds * 1e9 / count as f64);
    println!("{} operations in {} launches", after.tasks - before.tasks, after.launches - before.launches);
    println!("call {one} costs {price:.6}; put-call parity holds within {worst:.1e}");
    Ok(())
}

/// Values of call and put options.
fn prices(spot: &Array, strike: &Array, years: &Array, volatility: &Array) -> Result<(Array, Array)> {
    let deviation = volatility * years.sqrt()?;
    let first = ((spot / strike).log()? + (volatility.square()? * 0.5 + RATE) * years) / &deviation;
    let second = &first - &deviation;
    let discounted = strike * (years * -RATE).exp()?;
    let (p, q) = (normal(&first)?, normal(&second)?);
    let call = spot * &p - &discounted * &q;
    let put = discounted * (1.0 - q) - spot * (1.0 - p);
    Ok((call, put))
}

/// The distribution function of the normal distribution, by formula 26.2.17 of Abramowitz and Stegun (error below
/// 7.5e-8).
fn normal(x: &Array) -> Result<Array> {
    const COEFFICIENTS: [f64; 5] = [1.330274429, -1.821255978, 1.781477937, -0.356563782, 0.319381530];
    let t = 1.0 / (x.absolute()? * 0.2316419 + 1.0);
    let sum = COEFFICIENTS.iter().skip(1).fold(&t * COEFFICIENTS[0], |sum, &next| (sum + next) * &t);
    let tail = sum * (x.square()? * -0.5).exp()? * (1.0 / std::f64::consts::TAU.sqrt());
    apply_one(Op::Select, &[x.less(0)?.input(), tail.input(), (1.0 - &tail).input()])
}

/// Numbers between two bounds, in an order that looks random.
fn spread(count: usize, low: f64, high: f64, step: i64) -> Result<Array> {
    let index = Array::iota(Scalar::new(0i64), Scalar::new(1i64), count)?;
    let fraction = (index * (step * 7919) % 10_007) / 10_007;
    Ok(fraction * (high - low) + low)
}

/// The call of one option, by integrating the payoff over the distribution of the share's price.
fn price_of_one(options: &[&Array], one: usize) -> Result<f64> {
    let values = options
        .iter()
        .map(|array| Ok(array.slice(s![one])?.item()?.as_f64()))
        .collect::<Result<Vec<f64>>>()?;
    let [spot, strike, years, volatility] = values[..] else { unreachable!("there are four arrays") };
    let deviation = volatility * years.sqrt();
    let drift = (RATE - 0.5 * volatility * volatility) * years;
    let step = 1e-4;
    let integral: f64 = (-80_000..80_000)
        .map(|at| {
            let z = (f64::from(at) + 0.5) * step;
            let payoff = (spot * (drift + deviation * z).exp() - strike).max(0.0);
            payoff * (-0.5 * z * z).exp() * step
        })
        .sum();
    Ok(integral / std::f64::consts::TAU.sqrt() * (-RATE * years).exp())
}
