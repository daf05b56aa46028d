//! A network's parameters by path, on the host: what weights files and checkpoints hold.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};

/// One tensor in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct HostTensor {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// Tensors by path, sorted.
pub type TensorMap = BTreeMap<String, HostTensor>;

impl HostTensor {
    /// Reads a tensor back from its device. A failed read gives an empty tensor, which no check accepts.
    pub fn of<const D: usize>(tensor: Tensor<D>) -> Self {
        let shape = tensor.dims().to_vec();
        let values = tensor.try_to_vec_as::<f32>().unwrap_or_default();
        HostTensor { shape, values }
    }

    /// True where every value is a number.
    pub fn is_finite(&self) -> bool {
        self.values.iter().all(|v| v.is_finite())
    }
}

/// Why a network did not take parameters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParametersError {
    #[error("the tensor \"{0}\" is missing")]
    Missing(String),
    #[error("the tensor \"{name}\" has the shape {found:?}, this network needs {wanted:?}")]
    Shape { name: String, found: Vec<usize>, wanted: Vec<usize> },
    #[error("there is a tensor \"{0}\" that this network does not know")]
    Unknown(String),
}

/// The path of the parameter being visited.
#[derive(Debug, Default)]
pub(super) struct PathStack(Vec<String>);

impl PathStack {
    pub(super) fn enter(&mut self, name: &str) {
        self.0.push(name.to_owned());
    }

    pub(super) fn exit(&mut self) {
        self.0.pop();
    }

    pub(super) fn path(&self) -> String {
        self.0.join(".")
    }
}

/// All float parameters of a network, running statistics included.
pub fn read<M: Module>(network: &M) -> TensorMap {
    struct Reader {
        path: PathStack,
        out: TensorMap,
    }
    impl ModuleVisitor for Reader {
        fn enter_module(&mut self, name: &str, _container_type: &str) {
            self.path.enter(name);
        }
        fn exit_module(&mut self, _name: &str, _container_type: &str) {
            self.path.exit();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.out.insert(self.path.path(), HostTensor::of(param.val()));
        }
    }
    let mut reader = Reader { path: PathStack::default(), out: TensorMap::new() };
    network.visit(&mut reader);
    reader.out
}

/// The network with these parameters, on its own device; what is trained stays trained.
///
/// # Errors
/// A missing or unknown name, or another shape; the network given is dropped then.
pub fn write<M: Module>(network: M, tensors: &TensorMap) -> Result<M, ParametersError> {
    struct Writer<'a> {
        path: PathStack,
        tensors: &'a TensorMap,
        used: usize,
        error: Option<ParametersError>,
    }
    impl ModuleMapper for Writer<'_> {
        fn enter_module(&mut self, name: &str, _container_type: &str) {
            self.path.enter(name);
        }
        fn exit_module(&mut self, _name: &str, _container_type: &str) {
            self.path.exit();
        }
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let name = self.path.path();
            let wanted = param.val().dims().to_vec();
            let Some(host) = self.tensors.get(&name) else {
                self.error.get_or_insert(ParametersError::Missing(name));
                return param;
            };
            if host.shape != wanted || host.values.len() != wanted.iter().product::<usize>() {
                let found = host.shape.clone();
                self.error.get_or_insert(ParametersError::Shape { name, found, wanted });
                return param;
            }
            self.used += 1;
            let tracked = param.val().is_require_grad();
            param.map(|old| {
                let data = TensorData::new(host.values.clone(), old.dims());
                let new = Tensor::from_data(data, &old.device());
                if tracked { new.require_grad() } else { new }
            })
        }
    }
    let mut writer = Writer { path: PathStack::default(), tensors, used: 0, error: None };
    let network = network.map(&mut writer);
    if let Some(error) = writer.error {
        return Err(error);
    }
    if writer.used != tensors.len() {
        let known = read(&network);
        let unknown = tensors.keys().find(|name| !known.contains_key(*name)).cloned().unwrap_or_default();
        return Err(ParametersError::Unknown(unknown));
    }
    Ok(network)
}
