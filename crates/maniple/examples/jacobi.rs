//! Heat in a plate by Jacobi's method: a stencil made of slices, and a loop that a sum tells when to stop.
//!
//! Run with `cargo run --release --package maniple --example jacobi [CELLS]`.

use maniple::{Array, Dtype, Result, Scalar, s};

fn main() -> Result<()> {
    let cells: usize = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(66);
    // The edges are held at x * y, which solves Laplace's equation inside as well: so the answer is known.
    let along = Array::iota(Scalar::new(0.0), Scalar::new(1.0), cells)? / (cells as f64 - 1.0);
    let exact = along.slice(s![.., maniple::NewAxis])? * &along;
    let plate = exact.copied()?;
    plate.slice(s![1..-1, 1..-1])?.assign(0.0.into())?;

    let (north, south) = (plate.slice(s![..-2, 1..-1])?, plate.slice(s![2.., 1..-1])?);
    let (west, east) = (plate.slice(s![1..-1, ..-2])?, plate.slice(s![1..-1, 2..])?);
    let inside = plate.slice(s![1..-1, 1..-1])?;
    let mut sweeps = 0;
    loop {
        let next = (&north + &south + &west + &east) * 0.25;
        let change = (&next - &inside).absolute()?.max()?;
        inside.assign((&next).into())?;
        sweeps += 1;
        // Reading a value is what runs the tasks; ten sweeps are recorded between two looks.
        if sweeps % 10 == 0 && change.item()?.as_f64() < 1e-9 {
            break;
        }
    }

    let worst = (&plate - &exact).absolute()?.max()?.item()?.as_f64();
    assert!(worst < 1e-5, "off by {worst}");
    assert_eq!(plate.dtype(), Dtype::Float64);
    let did = maniple::statistics();
    println!("{cells} x {cells} cells, {sweeps} sweeps, off by at most {worst:.1e}");
    println!("{} tasks in {} launches", did.tasks, did.launches);
    println!("{} windows, {} of them planned before", did.windows, did.plan_hits);
    Ok(())
}
