//! The export: a balanced folder that says of each file what it is, and the proof that it still does.
//!
//! Knows [`crate::domain`] and [`crate::imaging`] alone: it gets plain values and never sees a database. The
//! way is [`file_plan`] (what would be written, nothing written), then [`write`](write()) (all or nothing),
//! and any time later [`verify`](verify()). [`ClassWeights`] are the other way to answer an imbalance, as files for
//! the programs that train.

mod card;
mod error;
mod manifest;
mod names;
mod new_file;
mod plan;
mod space;
mod verify;
mod weights;
mod write;

pub use error::{ExportError, VerifyError};
pub use manifest::{MANIFEST, README, Row};
pub use plan::{
    Card, ClassTotals, Content, ExportRequest, FilePlan, MadeImage, Originals, OriginalsError, PlannedFile,
    check_target, file_plan,
};
pub use space::{Bytes, enough_space, free_space};
pub use verify::{Verification, verify};
pub use weights::{ClassWeight, ClassWeights, WeightsFormat, WeightsFormatError};
pub use write::{ExportReport, write};
