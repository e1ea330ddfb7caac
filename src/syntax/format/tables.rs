//! Tables of tests: their cells stand in columns, numbers to the right.

/// The cells of a row, without the blanks around them. A bar in quotes is a part of its cell.
pub(in crate::syntax) fn cells(row: &str) -> Vec<&str> {
    let (bytes, mut found, mut start, mut at) = (row.as_bytes(), Vec::new(), None, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'|' => {
                found.extend(start.map(|start: usize| row[start..at].trim()));
                start = Some(at + 1);
                at += 1;
            }
            b'"' => at = closed(bytes, at).unwrap_or(at) + 1,
            _ => at += 1,
        }
    }
    found
}

/// Where the quote is that closes one, if it is closed.
fn closed(row: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    loop {
        match row.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// Rows with their cells below each other; the first is the header.
pub(in crate::syntax) fn aligned(rows: &[&str]) -> Vec<String> {
    let rows: Vec<Vec<&str>> = rows.iter().map(|row| cells(row)).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let of = |column: usize| rows.iter().filter_map(move |row| row.get(column).copied());
    let width = |column| of(column).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let is_number = |column: usize| {
        let mut values = of(column).skip(1).filter(|cell| *cell != "null").peekable();
        values.peek().is_some() && values.all(looks_like_number)
    };
    let numbers: Vec<bool> = (0..columns).map(is_number).collect();
    let line = |(number, row): (usize, &Vec<&str>)| {
        let mut line = String::from("|");
        for (column, cell) in row.iter().enumerate() {
            let blanks = " ".repeat(widths[column] - cell.chars().count());
            let parts = match number > 0 && numbers[column] {
                true => [" ", &blanks, cell, " |"],
                false => [" ", cell, &blanks, " |"],
            };
            line.extend(parts);
        }
        line
    };
    rows.iter().enumerate().map(line).collect()
}

fn looks_like_number(cell: &str) -> bool {
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    digits.starts_with(|first: char| first.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'_'))
        && digits.bytes().filter(|byte| *byte == b'.').count() < 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stand_below_each_other() {
        let rows = ["|a|name|", "|  -1.5 | \"x|\\\"\"|", "| null|é |", "|20|  |"];
        assert_eq!(
            aligned(&rows),
            [
                "| a    | name   |",
                "| -1.5 | \"x|\\\"\" |",
                "| null | é      |",
                "|   20 |        |"
            ]
        );
        assert_eq!(cells("| \"open | \\ |"), ["\"open", "\\"]);
        assert_eq!(aligned(&["| d |", "| 2024-01-01 |", "| 1 |"])[2], "| 1          |");
    }
}
