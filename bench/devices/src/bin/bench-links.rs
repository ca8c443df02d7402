//! How fast bytes move between the host and each device, within a device, and between two of them.

use maniple_bench::{OPTIONS, Options, driver, quoted, seconds};
use maniple_cuda::Driver;
use std::process::ExitCode;

const HELP: &str = "\
bench-links [OPTIONS]: gigabytes per second between the host and each GPU, within a GPU, and between two

What arrives is compared with what was sent. Copies go as the runtime's go: from ordinary host memory through pinned
buffers, and between GPUs as the driver does it, directly where the machine can.

";

fn main() -> ExitCode {
    let done = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => run(&options),
        Err(None) => {
            print!("{HELP}{OPTIONS}");
            Ok(())
        }
        Err(Some(problem)) => Err(problem),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("bench-links: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Bytes of a device's memory.
struct Block<'a> {
    driver: &'a dyn Driver,
    device: usize,
    address: u64,
}

impl<'a> Block<'a> {
    fn new(driver: &'a dyn Driver, device: usize, bytes: usize) -> Result<Block<'a>, String> {
        let full = |_| format!("device {device} has no room for {bytes} bytes");
        Ok(Block { driver, device, address: driver.alloc(device, bytes).map_err(full)? })
    }

    fn wait(&self) -> Result<(), String> {
        self.driver.synchronize(self.device).map_err(|error| error.0)
    }
}

impl Drop for Block<'_> {
    fn drop(&mut self) {
        self.driver.free(self.device, self.address);
    }
}

fn run(options: &Options) -> Result<(), String> {
    let driver = &*driver(options)?;
    let sizes: &[usize] = if options.quick { &[4096, 100_000] } else { &[1 << 20, 64 << 20, 1 << 30] };
    let mut rows = Vec::new();
    let mut show = |name: String, bytes: usize, time: f64| {
        let rate = bytes as f64 / time / 1e9;
        println!("{name:<28} {bytes:>12} bytes {:>12.1} us {rate:>8.2} GB/s", time * 1e6);
        let name = quoted(&name);
        rows.push(format!("{{\"link\": {name}, \"bytes\": {bytes}, \"seconds\": {time:e}}}"));
    };
    let count = driver.devices().len();
    for (number, device) in driver.devices().iter().enumerate() {
        println!("device {number}: {}", device.name);
    }
    for &bytes in sizes {
        let sent: Vec<u8> = (0..bytes).map(|at| ((at * 31) >> 3) as u8).collect();
        let mut back = vec![0u8; bytes];
        for one in 0..count {
            let own = Block::new(driver, one, bytes)?;
            let upload = |_: &Block<'_>| {
                driver.upload(one, sent.as_ptr(), own.address, bytes).map_err(|error| error.0)?;
                own.wait()
            };
            let name = format!("host to {one}");
            if options.wants(&name) {
                show(name, bytes, seconds(options.repeat, || upload(&own))?);
            }
            upload(&own)?;
            let name = format!("{one} to host");
            let mut download = |from: &Block<'_>| {
                driver.download(from.device, from.address, back.as_mut_ptr(), bytes).map_err(|error| error.0)
            };
            if options.wants(&name) {
                show(name.clone(), bytes, seconds(options.repeat, || download(&own))?);
            }
            download(&own)?;
            check(&name, &sent, &back)?;
            for other in 0..count {
                let name = if one == other { format!("within {one}") } else { format!("{one} to {other}") };
                if !options.wants(&name) {
                    continue;
                }
                let target = Block::new(driver, other, bytes)?;
                let time = seconds(options.repeat, || {
                    driver
                        .transfer((one, own.address), (other, target.address), bytes)
                        .map_err(|error| error.0)?;
                    target.wait()
                })?;
                show(name.clone(), bytes, time);
                back.fill(0);
                driver.download(other, target.address, back.as_mut_ptr(), bytes).map_err(|error| error.0)?;
                check(&name, &sent, &back)?;
            }
        }
    }
    if let Some(path) = &options.json {
        let text = format!("[\n {}\n]\n", rows.join(",\n "));
        std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

fn check(name: &str, sent: &[u8], back: &[u8]) -> Result<(), String> {
    if sent == back { Ok(()) } else { Err(format!("{name}: what arrived is not what was sent")) }
}
