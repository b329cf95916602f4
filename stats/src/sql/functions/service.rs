//! What a port is registered for.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, StringArray};
use datafusion::error::Result;

use crate::services;

/// `service(port)`: the registered name; missing where there is none here.
pub fn service(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let ports = arguments[0].as_primitive::<Int64Type>();
    let names = ports.iter().map(|port| u16::try_from(port?).ok().and_then(services::name));
    Ok(Arc::new(names.collect::<StringArray>()))
}
