//! Counts that can be subtracted.
//!
//! Campaigns keep counts unsigned, and the engine lets a difference below zero wrap round to a huge number without a word. So queries
//! see them signed. A `uid` is no count, and needs all its bits.

use arrow_schema::{DataType, Field};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, cast};
use datafusion::prelude::ident;

/// What the column of such a field is in queries.
pub fn column(field: &Field) -> Expr {
    let column = ident(field.name());
    if is_count(field) { cast(column, DataType::Int64).alias(field.name()) } else { column }
}

/// A condition whose counts are signed. `find` finds the field of a name.
pub fn signed<'a>(condition: Expr, find: impl Fn(&str) -> Option<&'a Field>) -> Result<Expr> {
    let sign = |part: Expr| match &part {
        Expr::Column(column) if find(column.name()).is_some_and(is_count) => {
            // Beneath the cast stands the same column, at which one would never end.
            Ok(Transformed::yes(cast(part, DataType::Int64)))
        }
        _ => Ok(Transformed::no(part)),
    };
    condition.transform_up(sign).map(|signed| signed.data)
}

fn is_count(field: &Field) -> bool {
    use DataType::{UInt8, UInt16, UInt32, UInt64};
    matches!(field.data_type(), UInt8 | UInt16 | UInt32 | UInt64) && field.name() != "uid"
}
