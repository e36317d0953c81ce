//! "Did you mean": the known names nearest to an unknown one.

/// At most three of `known` that `name` may have been meant to be, the nearest first.
///
/// Near means: equal but for case, or an edit distance (with transpositions) of at most a third of the name's length; where nothing is, what
/// begins with it (three letters or more). Of names equally near, one that ends as the name does comes first (`minuts` is rather `minutes`
/// than `minute`).
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Vec<&'k str> {
    let lower = name.to_lowercase();
    let limit = (name.chars().count() / 3).clamp(1, 3);
    let (mut near, mut longer) = (Vec::new(), Vec::new());
    for k in known.into_iter().filter(|k| *k != name) {
        let known = k.to_lowercase();
        let distance = strsim::osa_distance(&lower, &known);
        let rank = (distance, lower.chars().last() != known.chars().last(), k);
        if distance <= limit {
            near.push(rank);
        } else if lower.len() >= 3 && known.starts_with(&lower) {
            longer.push(rank);
        }
    }
    let mut found = if near.is_empty() { longer } else { near };
    found.sort_unstable();
    found.dedup();
    found.into_iter().take(3).map(|(.., k)| k).collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_comes_first_and_far_ones_stay_away() {
        assert_eq!(nearest("amout", ["amount", "account", "card"]), ["amount"]);
        assert_eq!(nearest("Card", ["card", "cart"]), ["card", "cart"]);
        assert_eq!(nearest("x", ["price", "y"]), ["y"]);
        assert_eq!(nearest("curr", ["currency", "card"]), ["currency"]);
        assert_eq!(nearest("minuts", ["minute", "minutes"]), ["minutes", "minute"]);
        assert!(nearest("zzz", ["price", "card"]).is_empty());
    }
}
