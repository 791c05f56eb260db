//! Stretches of a conversation's two logs, each one query over a range of numbers.

use super::Store;
use super::calls::Consistency;
use super::item::{Reader, text};
use super::keys::{PK, SK, conversation_partition};
use super::log::Log;
use crate::domain::Error;
use crate::domain::id::{ConversationId, Number};

/// A stretch of a log in the direction of reading: the next numbers from `from` on, no further than `to`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) from: Number,
    pub(super) to: Number,
    pub(super) rising: bool,
}

/// What was found on a stretch, in the direction of reading.
pub(super) struct Found<T> {
    pub(super) entries: Vec<T>,
    /// The last number that was looked at.
    pub(super) through: Number,
    /// Whether the stretch goes on after what was looked at.
    pub(super) more: bool,
}

impl Stretch {
    /// Everything after a number.
    pub(super) fn after(number: Number) -> Self {
        Self { from: number.next(), to: Number::MAX, rising: true }
    }

    /// From a number backwards to the beginning.
    pub(super) fn back_from(number: Number) -> Self {
        Self { from: number, to: Number::ZERO.next(), rising: false }
    }

    fn bounds(&self) -> (Number, Number) {
        if self.rising { (self.from, self.to) } else { (self.to, self.from) }
    }

    pub(super) fn is_empty(&self) -> bool {
        let (low, high) = self.bounds();
        low > high
    }
}

impl Store {
    /// The next at most `limit` entries of a stretch.
    pub(super) async fn stretch<T>(
        &self,
        log: Log,
        id: ConversationId,
        stretch: Stretch,
        limit: usize,
        consistency: Consistency,
    ) -> Result<Found<T>, Error>
    where
        T: for<'a> TryFrom<Reader<'a>, Error = Error>,
    {
        if stretch.is_empty() {
            return Ok(Found { entries: Vec::new(), through: stretch.to, more: false });
        }
        let (low, high) = stretch.bounds();
        let query = self
            .query(consistency)
            .key_condition_expression(format!("{PK} = :conversation AND {SK} BETWEEN :low AND :high"))
            .expression_attribute_values(":conversation", text(conversation_partition(id)))
            .expression_attribute_values(":low", text(log.sort(low)))
            .expression_attribute_values(":high", text(log.sort(high)))
            .scan_index_forward(stretch.rising)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX));
        let rows = self.rows(query).await?;
        let through = match (&rows.next, rows.items.last()) {
            (Some(_), Some(last)) => Reader(last).sort_number()?,
            _ => stretch.to,
        };
        let entries = rows.items.iter().map(|item| T::try_from(Reader(item))).collect::<Result<_, Error>>()?;
        Ok(Found { entries, through, more: through != stretch.to })
    }
}
