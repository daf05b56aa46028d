//! Which device tensors live on. The only place that starts a burn runtime.
//!
//! burn's wgpu runtime is started at most once per process and adapter kind, behind a lock, because a second
//! start of the same kind is an error. The window's own wgpu device is a different one on purpose.

use std::sync::{Mutex, OnceLock, PoisonError};

use burn::tensor::Device;
use burn::tensor::wgpu::{WgpuSetup, wgpu};

/// The version of burn that computes, for reports; a test holds it against the lock file.
pub const BURN: &str = "0.22.1";

/// What a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// A real graphics card.
    Gpu,
    /// burn's flex backend on the processor.
    Cpu,
    /// A software graphics adapter; slower than `Cpu`, for tests.
    Software,
}

impl DeviceKind {
    /// The id used by `--device` and in `devices --json`.
    pub const fn as_str(self) -> &'static str {
        match self {
            DeviceKind::Gpu => "gpu",
            DeviceKind::Cpu => "cpu",
            DeviceKind::Software => "software",
        }
    }
}

/// A device that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    pub kind: DeviceKind,
    /// For people, for example the adapter's name.
    pub name: String,
    /// The graphics driver with its version, as it tells them; `None` for the processor.
    pub driver: Option<String>,
}

impl DeviceInfo {
    /// What computes, in a line: system, kind of processor, device and driver.
    pub fn machine(&self) -> String {
        let driver = self.driver.as_ref().map_or_else(String::new, |driver| format!(", driver {driver}"));
        format!("{} on {}, {}{driver}", std::env::consts::OS, std::env::consts::ARCH, self.name)
    }
}

/// Why there is no such device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    #[error("no graphics card was found; use --device cpu, or --device auto to take whatever is there")]
    NoGpu,
    #[error(
        "no software graphics adapter was found; on Debian or Ubuntu install mesa-vulkan-drivers, or use \
         --device cpu"
    )]
    NoSoftware,
    #[error("unknown device \"{0}\"; use auto, gpu, cpu or software")]
    Unknown(String),
    #[error("the graphics device could not be started; use --device cpu: {0}")]
    Start(String),
}

/// A device ready for tensors.
#[derive(Clone, Debug)]
pub struct ComputeDevice {
    pub info: DeviceInfo,
    device: Device,
}

impl ComputeDevice {
    /// The device for `auto`, `gpu`, `cpu` or `software`.
    ///
    /// # Errors
    /// An unknown word, or a kind that this machine lacks.
    pub fn select(word: &str) -> Result<Self, DeviceError> {
        match word {
            "auto" => match adapter(DeviceKind::Gpu) {
                Some(_) => Self::wgpu(DeviceKind::Gpu),
                None => Ok(Self::cpu()),
            },
            "cpu" => Ok(Self::cpu()),
            "gpu" => Self::wgpu(DeviceKind::Gpu),
            "software" => Self::wgpu(DeviceKind::Software),
            other => Err(DeviceError::Unknown(other.to_owned())),
        }
    }

    /// The processor.
    pub fn cpu() -> Self {
        let threads = rayon::current_num_threads();
        let words = if threads == 1 { "thread" } else { "threads" };
        let name = format!("Processor, {threads} {words}");
        let info = DeviceInfo { kind: DeviceKind::Cpu, name, driver: None };
        ComputeDevice { info, device: Device::flex() }
    }

    /// For tensors without gradients.
    pub fn plain(&self) -> Device {
        self.device.clone()
    }

    /// For tensors that gradients flow through.
    pub fn autodiff(&self) -> Device {
        self.device.clone().autodiff()
    }

    /// Starts burn's runtime on the first adapter of this kind, once per process.
    fn wgpu(kind: DeviceKind) -> Result<Self, DeviceError> {
        static STARTED: Mutex<Vec<(DeviceKind, ComputeDevice)>> = Mutex::new(Vec::new());
        let mut started = STARTED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, device)) = started.iter().find(|(k, _)| *k == kind) {
            return Ok(device.clone());
        }
        let missing = if kind == DeviceKind::Gpu { DeviceError::NoGpu } else { DeviceError::NoSoftware };
        let found = adapter(kind).ok_or(missing)?;
        let setup = request(&found).map_err(DeviceError::Start)?;
        let device = Device::wgpu_options()
            .setup(setup)
            .init()
            .map_err(|error| DeviceError::Start(error.to_string()))?;
        let info = describe(kind, &found.adapter.get_info());
        let device = ComputeDevice { info, device };
        started.push((kind, device.clone()));
        Ok(device)
    }
}

#[derive(Clone)]
struct Found {
    instance: wgpu::Instance,
    adapter: wgpu::Adapter,
}

/// Everything tensors can run on here, best first. The processor is always there.
pub fn enumerate() -> Vec<DeviceInfo> {
    let mut devices = Vec::new();
    for kind in [DeviceKind::Gpu, DeviceKind::Cpu, DeviceKind::Software] {
        match kind {
            DeviceKind::Cpu => devices.push(ComputeDevice::cpu().info),
            _ => devices.extend(
                adapters()
                    .iter()
                    .filter(|found| kind_of(&found.adapter) == kind)
                    .map(|found| describe(kind, &found.adapter.get_info()))
                    .take(1),
            ),
        }
    }
    devices
}

fn adapter(kind: DeviceKind) -> Option<Found> {
    adapters().iter().find(|found| kind_of(&found.adapter) == kind).cloned()
}

fn kind_of(adapter: &wgpu::Adapter) -> DeviceKind {
    match adapter.get_info().device_type {
        wgpu::DeviceType::DiscreteGpu | wgpu::DeviceType::IntegratedGpu | wgpu::DeviceType::VirtualGpu => {
            DeviceKind::Gpu
        }
        wgpu::DeviceType::Cpu | wgpu::DeviceType::Other => DeviceKind::Software,
    }
}

fn describe(kind: DeviceKind, info: &wgpu::AdapterInfo) -> DeviceInfo {
    let driver = format!("{} {}", info.driver, info.driver_info).trim().to_owned();
    let driver = (!driver.is_empty()).then_some(driver);
    DeviceInfo { kind, name: format!("{} ({})", info.name, info.backend), driver }
}

/// The adapters of this machine, looked up once. Discrete cards come first. GL is left out: its compute support
/// is too thin for training.
fn adapters() -> &'static [Found] {
    static ADAPTERS: OnceLock<Vec<Found>> = OnceLock::new();
    ADAPTERS.get_or_init(|| {
        let backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
        let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
        descriptor.backends = backends;
        let instance = wgpu::Instance::new(descriptor);
        let adapters = block_on(instance.enumerate_adapters(backends));
        let mut found: Vec<Found> =
            adapters.into_iter().map(|adapter| Found { instance: instance.clone(), adapter }).collect();
        found.sort_by_key(|f| match f.adapter.get_info().device_type {
            wgpu::DeviceType::DiscreteGpu => 0,
            wgpu::DeviceType::IntegratedGpu => 1,
            wgpu::DeviceType::VirtualGpu => 2,
            wgpu::DeviceType::Cpu | wgpu::DeviceType::Other => 3,
        });
        found
    })
}

/// A device of its own on that adapter, with the adapter's limits and every feature that needs no unsafe code.
fn request(found: &Found) -> Result<WgpuSetup, String> {
    let features = found.adapter.features()
        - wgpu::Features::MAPPABLE_PRIMARY_BUFFERS
        - wgpu::Features::all_experimental_mask();
    let descriptor = wgpu::DeviceDescriptor {
        label: Some("counterpoise training"),
        required_features: features,
        required_limits: found.adapter.limits(),
        memory_hints: wgpu::MemoryHints::MemoryUsage,
        ..Default::default()
    };
    let (device, queue) =
        block_on(found.adapter.request_device(&descriptor)).map_err(|error| error.to_string())?;
    Ok(WgpuSetup {
        instance: found.instance.clone(),
        adapter: found.adapter.clone(),
        device,
        queue,
        backend: found.adapter.get_info().backend,
    })
}

/// wgpu's native futures are ready at once; this polls one to its end without an executor.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        match future.as_mut().poll(&mut context) {
            std::task::Poll::Ready(output) => return output,
            std::task::Poll::Pending => std::thread::yield_now(),
        }
    }
}
