//! Functions of the field, in SQL.

mod address;
mod community;
mod service;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::DataType;
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};
use datafusion::prelude::SessionContext;

const TEXT: DataType = DataType::Utf8;
const WHOLE: DataType = DataType::Int64;

/// All of them.
const FUNCTIONS: [Function; 4] = [
    Function { name: "cidr_match", takes: &[&[TEXT, TEXT]], gives: &DataType::Boolean, apply: address::cidr_match },
    Function { name: "prefix", takes: &[&[TEXT, WHOLE], &[TEXT, WHOLE, WHOLE]], gives: &TEXT, apply: address::prefix },
    Function { name: "service", takes: &[&[WHOLE]], gives: &TEXT, apply: service::service },
    Function {
        name: "community_id",
        takes: &[&[TEXT, WHOLE, TEXT, WHOLE], &[TEXT, WHOLE, TEXT, WHOLE, WHOLE]],
        gives: &TEXT,
        apply: community::community_id,
    },
];

/// Their names.
pub const NAMES: [&str; FUNCTIONS.len()] = [FUNCTIONS[0].name, FUNCTIONS[1].name, FUNCTIONS[2].name, FUNCTIONS[3].name];

/// Makes them known to a session.
pub fn register(context: &SessionContext) {
    for function in FUNCTIONS {
        context.register_udf(ScalarUDF::from(Registered::new(function)));
    }
}

/// A function of rows. Of a missing argument it makes a missing value.
#[derive(Clone, Copy)]
struct Function {
    name: &'static str,
    /// The types that it takes, each way to call it.
    takes: &'static [&'static [DataType]],
    gives: &'static DataType,
    /// Computes it for columns of equal length.
    apply: fn(&[ArrayRef]) -> Result<ArrayRef>,
}

/// A [`Function`] as DataFusion calls it. The name tells them apart.
struct Registered {
    function: Function,
    signature: Signature,
}

impl Registered {
    fn new(function: Function) -> Self {
        let ways = function.takes.iter().map(|types| TypeSignature::Exact(types.to_vec())).collect();
        Self { function, signature: Signature::one_of(ways, Volatility::Immutable) }
    }
}

impl fmt::Debug for Registered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.function.name)
    }
}

impl PartialEq for Registered {
    fn eq(&self, other: &Self) -> bool {
        self.function.name == other.function.name
    }
}

impl Eq for Registered {}

impl Hash for Registered {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.function.name.hash(state);
    }
}

impl ScalarUDFImpl for Registered {
    fn name(&self) -> &str {
        self.function.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.function.gives.clone())
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = call.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let value = (self.function.apply)(&ColumnarValue::values_to_arrays(&call.args)?)?;
        Ok(if constant {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&value, 0)?)
        } else {
            ColumnarValue::Array(Arc::clone(&value))
        })
    }
}
