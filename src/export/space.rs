//! Room on the target's file system, looked at before anything is written.

use std::fmt;
use std::path::Path;

use super::error::ExportError;

/// A number of bytes in words: `4.2 MB`, in powers of ten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut value = self.0 as f64;
        let mut unit = "B";
        for larger in ["kB", "MB", "GB", "TB"] {
            if value < 999.5 {
                break;
            }
            value /= 1000.0;
            unit = larger;
        }
        let decimals = usize::from(unit != "B" && value < 99.95);
        write!(f, "{value:.decimals$} {unit}")
    }
}

/// Bytes this user can still write on the file system where `path` is, or will be once it is made; `None`
/// where the system does not say.
#[cfg(unix)]
pub fn free_space(path: &Path) -> Option<u64> {
    use rustix::fs::{StatVfsMountFlags, statvfs};
    use rustix::io::Errno;

    for place in crate::imaging::files::real(path).ancestors() {
        match statvfs(place) {
            Ok(found) => {
                // Some file systems do not tell their size. One that takes no writing at all is not short of
                // space: what is wrong with it is said when it is written to.
                let tells = found.f_blocks > 0 && !found.f_flag.contains(StatVfsMountFlags::RDONLY);
                return tells.then(|| found.f_bavail.saturating_mul(found.f_frsize));
            }
            // Not there yet: it will be made in the folder above.
            Err(error) if error == Errno::NOENT => {}
            Err(_) => return None,
        }
    }
    None
}

/// The same where no safe way to ask is at hand: a full disk is noticed while writing.
#[cfg(not(unix))]
pub fn free_space(_path: &Path) -> Option<u64> {
    None
}

/// Refuses an export to `out` that needs more than is `free`; what is not known refuses nothing.
///
/// # Errors
/// [`ExportError::NoSpace`].
pub fn enough_space(needed: u64, free: Option<u64>, out: &Path) -> Result<(), ExportError> {
    match free {
        Some(free) if free < needed => {
            Err(ExportError::NoSpace { needed: Bytes(needed), free: Bytes(free), path: out.to_path_buf() })
        }
        _ => Ok(()),
    }
}
