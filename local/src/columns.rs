//! Tables as text: columns aligned.

/// Texts to the left; from the column `numbers_from` on, numbers to the right.
pub(crate) fn align<const COLUMNS: usize>(rows: &[[String; COLUMNS]], numbers_from: usize) -> String {
    let widths: [usize; COLUMNS] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default());
    let line = |row: &[String; COLUMNS]| {
        let cells = row.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
            if column < numbers_from { format!("{cell:<width$}  ") } else { format!("{cell:>width$}  ") }
        });
        cells.collect::<String>().trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows = [["GET", "/"], ["GET POST", "/api/"]].map(|row| row.map(str::to_owned));
        assert_eq!(align(&rows, 2), "GET       /\nGET POST  /api/");
        assert_eq!(align(&rows, 1), "GET           /\nGET POST  /api/");
    }
}
