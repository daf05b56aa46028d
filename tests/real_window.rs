//! The journey in miniature as a real window on a virtual X server, driven by its keys: look at every
//! workspace, make candidates with the bundled model, decide, undo, redo, export, quit; then the disk and the
//! program's own `verify` are asked. And what the program says where there is no display.
//!
//! Needs Xvfb, xdotool and ImageMagick's `import`. Without them it says loudly that it was skipped; with
//! COUNTERPOISE_REQUIRE_WINDOW=1 that is a failure. The pictures go to COUNTERPOISE_SCREENSHOTS, else into
//! the target folder.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use counterpoise::domain::decisions::Decision;
use counterpoise::domain::plan::Target;
use counterpoise::imaging::decode::{Limits, decode};
use counterpoise::jobs::example;
use counterpoise::project::{Project, Settings, default_place};

const PROGRAM: &str = env!("CARGO_BIN_EXE_counterpoise");
/// A step that takes longer than this hangs: software drawing on a loaded machine is slow.
const PATIENCE: Duration = Duration::from_secs(120);
/// The smallest class of the example has 50 images.
const TARGET: usize = 58;
const MADE: usize = 8;
/// The window's size; it begins at the upper left, as no window manager runs.
const SCREEN: (u32, u32) = (1440, 900);
/// Where the path box of the Export workspace may be, the likeliest first.
const FOLDER_BOX: [(u32, u32); 5] = [(1270, 96), (1270, 96), (1270, 84), (1270, 108), (1270, 72)];

/// A child that does not outlive the test.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn is_installed(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(tool).is_file())
}

fn is_required() -> bool {
    std::env::var_os("COUNTERPOISE_REQUIRE_WINDOW").is_some_and(|value| !value.is_empty() && value != "0")
}

/// Says that the test is skipped, or fails where it must run.
fn skip(why: &str) {
    assert!(!is_required(), "the real window must be tested here: {why}");
    // Not with a macro: their output is kept back where a test passes.
    eprintln!("SKIPPED, the real window was not tested: {why}");
}

/// Waits until `done` gives something.
#[track_caller]
fn wait<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = done() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "{what} did not happen within {} s", PATIENCE.as_secs());
        sleep(Duration::from_millis(150));
    }
}

/// A virtual screen of our own; the server picks a free number and tells it.
struct Screen {
    name: String,
    pictures: PathBuf,
    _server: Guard,
}

impl Screen {
    fn start() -> Self {
        let mut server = Guard(
            Command::new("Xvfb")
                .args(["-displayfd", "1", "-nolisten", "tcp", "-screen", "0"])
                .arg(format!("{}x{}x24", SCREEN.0, SCREEN.1))
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap(),
        );
        let mut number = String::new();
        BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut number).unwrap();
        let number = number.trim();
        assert!(!number.is_empty(), "Xvfb did not start");
        let pictures = std::env::var_os("COUNTERPOISE_SCREENSHOTS")
            .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("real_window"), PathBuf::from);
        fs::create_dir_all(&pictures).unwrap();
        Screen { name: format!(":{number}"), pictures, _server: server }
    }

    fn tool(&self, program: &str, arguments: &[&str]) -> std::process::Output {
        Command::new(program).args(arguments).env("DISPLAY", &self.name).output().unwrap()
    }

    /// Presses keys, as `xdotool` names them.
    #[track_caller]
    fn key(&self, keys: &str) {
        let output = self.tool("xdotool", &["key", "--clearmodifiers", keys]);
        assert!(output.status.success(), "{keys}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn type_text(&self, text: &str) {
        assert!(self.tool("xdotool", &["type", "--delay", "25", "--", text]).status.success());
    }

    fn click(&self, (x, y): (u32, u32)) {
        let (x, y) = (x.to_string(), y.to_string());
        assert!(self.tool("xdotool", &["mousemove", &x, &y, "click", "1"]).status.success());
    }

    /// No window manager gives the window the keyboard, so it is done by hand.
    fn focus(&self) -> Option<()> {
        let found = self.tool("xdotool", &["search", "--onlyvisible", "--name", "counterpoise"]);
        let found = String::from_utf8_lossy(&found.stdout).into_owned();
        let window = found.lines().next()?;
        self.tool("xdotool", &["windowfocus", window]).status.success().then_some(())
    }

    /// A picture of the screen, kept under this name.
    fn picture(&self, name: &str) -> Picture {
        let path = self.pictures.join(format!("{name}.png"));
        let output = self.tool("import", &["-window", "root", &path.display().to_string()]);
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        let picture = decode(&path, &Limits::default()).unwrap().picture;
        assert_eq!((picture.width, picture.height), SCREEN);
        Picture { channels: usize::from(picture.channels), bytes: picture.to_u8() }
    }
}

struct Picture {
    channels: usize,
    bytes: Vec<u8>,
}

impl Picture {
    fn pixels(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.chunks_exact(self.channels)
    }

    fn colours(&self) -> usize {
        self.pixels().collect::<HashSet<_>>().len()
    }

    /// Pure greys: the theme has next to none, the images of the example have all of them.
    fn greys(&self) -> usize {
        let is_grey = |pixel: &&[u8]| pixel.windows(2).all(|pair| pair[0] == pair[1]);
        self.pixels().filter(is_grey).collect::<HashSet<_>>().len()
    }

    /// Share of pixels that differ.
    fn differs(&self, other: &Picture) -> f64 {
        let all = (SCREEN.0 * SCREEN.1) as f64;
        let same = self.pixels().zip(other.pixels()).filter(|(a, b)| a == b).count();
        1.0 - same as f64 / all
    }

    /// Mean of all samples, 0 to 255.
    fn mean(&self) -> f64 {
        self.bytes.iter().map(|&byte| f64::from(byte)).sum::<f64>() / self.bytes.len() as f64
    }
}

/// The program on a data folder of its own.
fn program(folder: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .current_dir(folder)
        .env("COUNTERPOISE_DATA_DIR", folder.join("data"))
        .env("XDG_RUNTIME_DIR", folder.join("runtime"))
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("WAYLAND_SOCKET")
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .stdin(Stdio::null());
    command
}

/// The decisions on the latest run as they are on disk, in the order of the slots.
fn decisions(project: &Path) -> Vec<Decision> {
    let rows = Project::open_read_only(project).and_then(|project| project.candidates());
    let mut rows = rows.unwrap_or_default();
    rows.sort_by_key(|row| row.slot);
    rows.into_iter().map(|row| row.decision).collect()
}

fn ended(child: &mut Guard) -> Option<ExitStatus> {
    child.0.try_wait().unwrap()
}

#[test]
fn a_window_from_folder_to_proven_export_by_its_keys() {
    let missing: Vec<_> =
        ["Xvfb", "xdotool", "import"].into_iter().filter(|tool| !is_installed(tool)).collect();
    if !missing.is_empty() {
        return skip(&format!(
            "{} not found; on Debian or Ubuntu install xvfb, xdotool and imagemagick",
            missing.join(", ")
        ));
    }
    // The example as a folder of one's own, its project planned, the bundled model among the project's.
    let place = tempfile::Builder::new().prefix("counterpoise-window").tempdir().unwrap();
    let folder = place.path();
    let (source, out) = (folder.join("shoes"), folder.join("balanced"));
    let runtime = folder.join("runtime");
    fs::create_dir(&runtime).unwrap();
    fs::set_permissions(&runtime, fs::Permissions::from_mode(0o700)).unwrap();
    example::unpack_to(&source).unwrap();
    let project_dir = default_place::for_source_in(&folder.join("data"), &source);
    let mut project = Project::create(&project_dir, "shoes").unwrap();
    project.set_settings(&Settings { target: Target::Count(TARGET), ..Settings::default() }).unwrap();
    drop(project);
    fs::create_dir_all(project_dir.join("models")).unwrap();
    example::unpack_model(&project_dir.join("models")).unwrap();

    let screen = Screen::start();
    let log = folder.join("window.log");
    let mut window = Guard(
        program(folder)
            .arg(&source)
            .env("DISPLAY", &screen.name)
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap(),
    );
    let said = || fs::read_to_string(&log).unwrap_or_default();
    let opened = wait("a window", || match ended(&mut window) {
        Some(status) => Some(Err(status)),
        None => screen.focus().map(Ok),
    });
    if let Err(status) = opened {
        return skip(&format!("the program ended with {status}: {}", said()));
    }

    // Data: the images are on screen.
    let mut last = wait("images on screen", || {
        screen.focus();
        Some(screen.picture("data")).filter(|picture| picture.greys() > 150)
    });
    for (keys, name) in [
        ("ctrl+2", "plan"),
        ("ctrl+3", "train"),
        ("ctrl+4", "review"),
        ("ctrl+5", "export"),
        ("ctrl+6", "evaluate"),
    ] {
        let picture = wait(name, || {
            screen.key(keys);
            sleep(Duration::from_millis(500));
            Some(screen.picture(name)).filter(|picture| picture.differs(&last) > 0.01)
        });
        assert!(picture.colours() > 500, "{name} is blank: {} colours", picture.colours());
        assert!(picture.greys() < 150, "{name} shows the images of another workspace");
        last = picture;
    }

    // The model is read by now or soon; while candidates are made, the key does nothing.
    let made = || {
        screen.key("ctrl+g");
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(30) {
            if decisions(&project_dir).len() == MADE {
                return Some(());
            }
            sleep(Duration::from_millis(200));
        }
        None
    };
    wait("candidates", made);
    let undecided = wait("candidates on screen", || {
        let picture = screen.picture("review-undecided");
        (picture.differs(&last) > 0.01 && picture.greys() > 150).then_some(picture)
    });

    // Decide, undo, redo: each is on disk before the next key.
    use Decision::{Accepted, Rejected, Undecided};
    let press = |keys: &str, place: usize, decision: Decision| {
        screen.key(keys);
        wait(&format!("candidate {} {} by {keys}", place + 1, decision.as_str()), || {
            (decisions(&project_dir).get(place) == Some(&decision)).then_some(())
        });
    };
    press("a", 0, Accepted);
    press("a", 1, Accepted);
    press("x", 2, Rejected);
    press("ctrl+z", 2, Undecided);
    press("ctrl+shift+z", 2, Rejected);
    for place in 3..MADE {
        press("x", place, Rejected);
    }
    let expected = [[Accepted; 2].as_slice(), [Rejected; 6].as_slice()].concat();
    assert_eq!(decisions(&project_dir), expected);
    let dark = wait("decisions on screen", || {
        Some(screen.picture("review-decided")).filter(|picture| picture.differs(&undecided) > 0.002)
    });

    // The other theme, through the palette.
    let theme = if dark.mean() < 128.0 { "theme: light" } else { "theme: dark" };
    screen.key("ctrl+k");
    sleep(Duration::from_secs(1));
    screen.type_text(theme);
    sleep(Duration::from_secs(1));
    screen.key("Return");
    wait("the other theme", || {
        let picture = screen.picture("review-other-theme");
        ((picture.mean() < 128.0) != (dark.mean() < 128.0)).then_some(())
    });

    // Export: the folder is typed into the path box.
    screen.key("ctrl+5");
    sleep(Duration::from_secs(1));
    let mut places = FOLDER_BOX.into_iter().cycle();
    wait("the export", || {
        screen.click(places.next()?);
        sleep(Duration::from_millis(500));
        screen.key("ctrl+a");
        screen.type_text(&out.display().to_string());
        screen.key("Return");
        // What will be written is planned first. One press is enough: the folder is there when it is whole.
        sleep(Duration::from_secs(2));
        screen.key("ctrl+e");
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(15) {
            if out.is_dir() {
                return Some(());
            }
            sleep(Duration::from_millis(200));
        }
        None
    });
    sleep(Duration::from_secs(2));
    screen.picture("exported");

    screen.key("ctrl+q");
    let status = wait("the end of the window", || ended(&mut window));
    assert_eq!(status.code(), Some(0), "{}", said());
    assert!(!said().contains("panicked"), "{}", said());

    // What it left: decisions, and a folder that is proven by the command line.
    assert_eq!(decisions(&project_dir), expected);
    let proof = program(folder).arg("verify").arg(&out).arg("--json").output().unwrap();
    let text = String::from_utf8(proof.stdout).unwrap();
    assert_eq!(proof.status.code(), Some(0), "{text}");
    let proof: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(proof["ok"], true);
    assert_eq!(proof["files"], 2088, "1 600, 80 and 400 images of the example, and {MADE}");
    let of_kind = |kind: &str| {
        let rows = csv::Reader::from_path(out.join("manifest.csv")).unwrap().into_records();
        rows.filter(|row| row.as_ref().unwrap().get(3) == Some(kind)).count()
    };
    assert_eq!((of_kind("derived"), of_kind("repeated")), (2, 6));
    let left: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains(".partial-")), "{left:?}");
    println!("pictures of the window: {}", screen.pictures.display());
}

#[test]
fn without_a_display_the_program_names_the_next_command() {
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("runtime")).unwrap();
    for display in [None, Some("")] {
        let mut command = program(place.path());
        command.env_remove("DISPLAY");
        if let Some(display) = display {
            command.env("DISPLAY", display);
        }
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(output.stdout.is_empty());
        for word in ["there is no display", "`counterpoise demo`", "`counterpoise balance FOLDER"] {
            assert!(said.contains(word), "{word}: {said}");
        }
        assert!(!said.contains("panicked"), "{said}");
    }
}
