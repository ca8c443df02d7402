//! What the benchmarks of devices share: options, the devices there are, samples and their middle.

use std::path::PathBuf;
use std::time::Instant;

/// The options of a command line.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Parts of the names of the cases to run; none for all.
    pub cases: Vec<String>,
    /// Devices that the host's processor plays; 0 for those of the machine.
    pub emulated: usize,
    /// A file for the figures as JSON.
    pub json: Option<PathBuf>,
    /// Samples of a case.
    pub repeat: usize,
    /// Folders below which NVIDIA's Python packages lie, such as `site-packages`.
    pub site: Vec<PathBuf>,
    /// Whether sizes are small: to see that it runs, not how fast.
    pub quick: bool,
    /// Runs the cases in this process; for the command's own use.
    pub worker: bool,
}

/// What every command says of its options.
pub const OPTIONS: &str = "Options:
  --case NAME     only cases whose name has NAME in it; may be given several times
  --quick         small sizes and few samples: whether it runs, and gives the right answers
  --repeat N      samples of each case (9; 3 with --quick)
  --json FILE     writes the figures there
  --site FOLDER   where NVIDIA's Python packages lie, if the system has no compiler of kernels
  --emulated N    N devices that the host's processor plays, in builds that hold them; figures mean nothing
";

impl Options {
    /// The options of some words.
    ///
    /// # Errors
    /// The word that is not understood; nothing if help was asked for.
    pub fn parse(words: impl IntoIterator<Item = String>) -> Result<Options, Option<String>> {
        let mut found = Options {
            cases: Vec::new(),
            emulated: 0,
            json: None,
            repeat: 0,
            site: Vec::new(),
            quick: false,
            worker: false,
        };
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| Some(format!("{word} needs a value")));
            let number = |text: String| {
                text.parse::<usize>().map_err(|_| Some(format!("{word} {text}: expected a number")))
            };
            match word.as_str() {
                "--case" => found.cases.push(value()?),
                "--emulated" => found.emulated = number(value()?)?,
                "--json" => found.json = Some(value()?.into()),
                "--repeat" => found.repeat = number(value()?)?.max(1),
                "--site" => found.site.push(value()?.into()),
                "--quick" => found.quick = true,
                "--worker" => found.worker = true,
                "-h" | "--help" => return Err(None),
                _ => return Err(Some(format!("{word} is not an option; see --help"))),
            }
        }
        if found.repeat == 0 {
            found.repeat = if found.quick { 3 } else { 9 };
        }
        Ok(found)
    }

    /// Whether a case is to be run.
    pub fn wants(&self, name: &str) -> bool {
        self.cases.is_empty() || self.cases.iter().any(|part| name.contains(part.as_str()))
    }
}

/// The devices that the options name.
///
/// # Errors
/// Why there are none.
#[cfg(feature = "cuda")]
pub fn driver(options: &Options) -> Result<std::sync::Arc<dyn maniple_cuda::Driver>, String> {
    match options.emulated {
        0 => maniple_cuda::driver(&options.site, None),
        #[cfg(feature = "emulate")]
        count => Ok(std::sync::Arc::new(maniple_cuda::Emulator::new(count, 256 << 20)?)),
        #[cfg(not(feature = "emulate"))]
        _ => Err("this build emulates no devices".into()),
    }
}

/// Seconds that the middle one of some runs takes; the first is not counted.
///
/// # Errors
/// What a run says.
pub fn seconds(repeat: usize, mut run: impl FnMut() -> Result<(), String>) -> Result<f64, String> {
    run()?;
    let mut all = Vec::with_capacity(repeat);
    for _ in 0..repeat {
        let began = Instant::now();
        run()?;
        all.push(began.elapsed().as_secs_f64());
    }
    all.sort_by(f64::total_cmp);
    Ok(all[all.len() / 2])
}

/// Text as JSON writes it.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_understood_and_nonsense_is_refused() {
        let parse = |text: &str| Options::parse(text.split_whitespace().map(String::from));
        let found = parse("--case sum --quick --emulated 2 --json out.json").expect("good options");
        assert!(found.quick && found.emulated == 2 && found.repeat == 3);
        assert!(found.wants("row sums") && !found.wants("copy"));
        assert_eq!(parse("--repeat 5").expect("good options").repeat, 5);
        assert_eq!(parse("--help"), Err(None));
        for text in ["--fast", "--repeat", "--repeat many"] {
            assert!(matches!(parse(text), Err(Some(_))), "{text}");
        }
    }
}
