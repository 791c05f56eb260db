//! Slices of ordered lists, by position rather than by offset: nothing is skipped or shown twice while others write.

/// Where a slice begins, in the list's own order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Anchor<P> {
    #[default]
    Start,
    /// Right after that position.
    After(P),
    /// Right before that position: the rows nearest to it, still in the list's order.
    Before(P),
}

/// What part of a list is asked for.
#[derive(Clone, Debug, Default)]
pub struct Slice<P> {
    pub anchor: Anchor<P>,
    pub limit: usize,
}

/// Part of a list. It may be shorter than asked for, even empty, and still have more after it.
#[derive(Clone, Debug)]
pub struct Page<T, P> {
    pub rows: Vec<T>,
    /// There is more before this position.
    pub previous: Option<P>,
    /// There is more after this position.
    pub next: Option<P>,
    /// How long the whole list is, where that costs no more than the page.
    pub count: Option<u64>,
}

impl<T, P> Page<T, P> {
    /// The same part of the list with its rows in another shape.
    pub fn with_rows<U>(self, rows: Vec<U>) -> Page<U, P> {
        Page { rows, previous: self.previous, next: self.next, count: self.count }
    }

    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U, P> {
        Page {
            rows: self.rows.into_iter().map(convert).collect(),
            previous: self.previous,
            next: self.next,
            count: self.count,
        }
    }
}

/// A page of a list by where it stands among the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageNumber {
    /// The first being 1.
    Nth(usize),
    Last,
}

/// Takes a page of a list that is in memory; nothing if the list has no such page. The first is there even if the list
/// is empty.
pub fn numbered<T, P>(
    rows: Vec<T>,
    position: impl Fn(&T) -> P,
    number: PageNumber,
    limit: usize,
) -> Option<Page<T, P>> {
    let count = rows.len();
    let last = count.div_ceil(limit).max(1);
    let number = match number {
        PageNumber::Nth(number) => number,
        PageNumber::Last => last,
    };
    if !(1..=last).contains(&number) {
        return None;
    }
    let (start, end) = ((number - 1) * limit, (number * limit).min(count));
    Some(part(rows, position, start, end))
}

/// Slices a list that is in memory and in order.
pub fn slice<T, P: Ord + Clone>(
    rows: Vec<T>,
    position: impl Fn(&T) -> P,
    slice: &Slice<P>,
    descending: bool,
) -> Page<T, P> {
    let count = rows.len();
    let follows = |row: &T, anchor: &P| if descending { position(row) < *anchor } else { position(row) > *anchor };
    let precedes = |row: &T, anchor: &P| if descending { position(row) > *anchor } else { position(row) < *anchor };
    let (start, end) = match &slice.anchor {
        Anchor::Start => (0, slice.limit.min(count)),
        Anchor::After(anchor) => {
            let start = rows.partition_point(|row| !follows(row, anchor));
            (start, start.saturating_add(slice.limit).min(count))
        }
        Anchor::Before(anchor) => {
            let end = rows.partition_point(|row| precedes(row, anchor));
            (end.saturating_sub(slice.limit), end)
        }
    };
    part(rows, position, start, end)
}

/// The rows from `start` on, `end` excluded.
fn part<T, P>(rows: Vec<T>, position: impl Fn(&T) -> P, start: usize, end: usize) -> Page<T, P> {
    let count = rows.len();
    let rows: Vec<T> = rows.into_iter().skip(start).take(end - start).collect();
    let previous = rows.first().filter(|_| start > 0).map(&position);
    let next = rows.last().filter(|_| end < count).map(&position);
    Page { rows, previous, next, count: Some(count as u64) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn walk(rows: &[u32], limit: usize, descending: bool) -> Vec<u32> {
        let (mut seen, mut anchor) = (Vec::new(), Anchor::Start);
        loop {
            let page = slice(rows.to_vec(), |row| *row, &Slice { anchor, limit }, descending);
            seen.extend(page.rows);
            let Some(next) = page.next else { return seen };
            anchor = Anchor::After(next);
        }
    }

    proptest! {
        #[test]
        fn walking_forwards_shows_every_row_once(rows in proptest::collection::btree_set(0u32..500, 0..60), limit in 1usize..9, descending: bool) {
            let mut rows: Vec<_> = rows.into_iter().collect();
            if descending { rows.reverse(); }
            prop_assert_eq!(walk(&rows, limit, descending), rows);
        }

        #[test]
        fn pages_by_their_numbers_are_the_pages_that_walking_shows(count in 0u32..60, limit in 1usize..9) {
            let rows: Vec<_> = (0..count).collect();
            let page = |number| numbered(rows.clone(), |row| *row, number, limit);
            let pages: Vec<_> = (1..).map_while(|number| page(PageNumber::Nth(number))).collect();
            prop_assert_eq!(pages.len(), rows.len().div_ceil(limit).max(1));
            prop_assert_eq!(&page(PageNumber::Last).expect("always there").rows, &pages.last().expect("at least one").rows);
            prop_assert!(pages.windows(2).all(|pair| pair[0].next == pair[0].rows.last().copied() && pair[1].previous.is_some()));
            prop_assert_eq!(pages.into_iter().flat_map(|page| page.rows).collect::<Vec<_>>(), rows.clone());
            prop_assert!(page(PageNumber::Nth(0)).is_none() && page(PageNumber::Nth(usize::MAX)).is_none());
        }

        #[test]
        fn the_page_before_a_page_is_the_one_that_led_to_it(rows in proptest::collection::btree_set(0u32..500, 3..60), limit in 1usize..9) {
            let rows: Vec<_> = rows.into_iter().collect();
            let first = slice(rows.clone(), |row| *row, &Slice { anchor: Anchor::Start, limit }, false);
            if let Some(next) = first.next {
                let second = slice(rows.clone(), |row| *row, &Slice { anchor: Anchor::After(next), limit }, false);
                let previous = second.previous.expect("the first page lies before");
                let back = slice(rows, |row| *row, &Slice { anchor: Anchor::Before(previous), limit }, false);
                prop_assert_eq!(back.rows, first.rows);
                prop_assert_eq!(back.previous, None);
            }
        }
    }
}
