//! What can be said about GPUs of other makers without one: that launches, programs and random programs give what they
//! should on lavapipe, a Vulkan driver that computes on the host's processor, while Vulkan's validation layer finds
//! nothing to say.

use crate::setup;
use crate::shell::{Result, command, output, step};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What Debian and its like call the driver and the layer.
const PACKAGES: [&str; 2] = ["mesa-vulkan-drivers", "vulkan-validationlayers"];

/// The layer that looks for mistakes in the use of Vulkan, and what the lines that report one begin with.
const LAYER: &str = "VK_LAYER_KHRONOS_validation";
const COMPLAINTS: [&str; 3] = ["VUID-", "UNASSIGNED-", "Validation Error"];

/// Programs on the device: settings and the words after `python`. Elements of double precision are computed by the host
/// unless they are only moved, so most tests mix both.
const PROGRAMS: [(&str, &[(&str, &str)], &[&str]); 6] = [
    (
        "rows in single precision",
        &[("MANIPLE_ON", "wgpu")],
        &["-m", "pytest", "-q", "python/tests/test_ops.py", "-k", "not every_row or float32 or int32"],
    ),
    ("arrays", &[("MANIPLE_ON", "wgpu")], &["-m", "pytest", "-q", "python/tests/test_array.py"]),
    // Some dtypes, and long rows of one: most of the time goes into compiling, and a processor plays every thread.
    (
        "sorting",
        &[("MANIPLE_ON", "wgpu")],
        &[
            "-m",
            "pytest",
            "-q",
            "python/tests/test_sorting.py",
            "-k",
            "sorting[h] or sorting[f] or sorting[d] or rows[f] or unique[e] or calls",
        ],
    ),
    (
        "examples",
        &[("MANIPLE_ON", "wgpu")],
        &["examples/compare.py", "--quick", "mandelbrot", "digits_kmeans", "game_of_life"],
    ),
    (
        "random programs",
        &[],
        &["python/tests/fuzz.py", "--seeds", "0-150", "--settings", "wgpu", "--jobs", "2"],
    ),
    (
        "random programs on both memories",
        &[],
        &["python/tests/fuzz.py", "--seeds", "0-150", "--settings", "wgpumixed", "--jobs", "2"],
    ),
];

/// Everything, on the driver that computes on the host's processor.
pub fn check(python: &Path) -> Result<()> {
    let driver = driver()?;
    let checked = |mut command: Command| {
        let command = command
            .env("VK_ICD_FILENAMES", &driver)
            .env("VK_INSTANCE_LAYERS", LAYER)
            .env("NODEVICE_SELECT", "1");
        let output = command.output().map_err(|error| error.to_string())?;
        let text =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let complaint = text.lines().find(|line| COMPLAINTS.iter().any(|word| line.contains(word)));
        match (output.status.success(), complaint) {
            (true, None) => Ok(()),
            (_, Some(line)) => Err(format!("Vulkan's validation: {line}")),
            (false, None) => Err(text),
        }
    };
    step("wgpu: launches on lavapipe", || {
        let words = ["cargo", "test", "-p", "maniple-wgpu", "--profile", "checked", "--", "--nocapture"];
        checked(command(&words))
    })?;
    for (name, settings, words) in PROGRAMS {
        step(&format!("wgpu: {name}"), || {
            let mut command = command(&[setup::text(python)]);
            command.args(words).envs(settings.iter().copied());
            checked(command)
        })?;
    }
    Ok(())
}

/// The driver's description, installed where that is possible.
fn driver() -> Result<PathBuf> {
    let found = || {
        let folder = std::fs::read_dir("/usr/share/vulkan/icd.d").ok()?;
        let mut files = folder.filter_map(|entry| Some(entry.ok()?.path()));
        files.find(|path| path.to_string_lossy().contains("lvp_icd"))
    };
    let layered = || Path::new("/usr/share/vulkan/explicit_layer.d/VkLayer_khronos_validation.json").exists();
    if found().is_none() || !layered() {
        step("a Vulkan driver", || {
            output(&["apt-get", "update"]);
            let words = [&["apt-get", "install", "--yes", "--no-install-recommends"][..], &PACKAGES].concat();
            output(&words)
                .map(drop)
                .ok_or(format!("install {} to test wgpu's backend", PACKAGES.join(" and ")))
        })?;
    }
    found().ok_or("the Vulkan driver is not where it should be".into())
}
