//! The option `options` of the client library: command-line arguments of the server.

/// The parameters in `-c name=value`, `-cname=value` and `--name=value`.
pub(super) fn read(options: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut words = words(options).into_iter();
    while let Some(word) = words.next() {
        let pair = match word.strip_prefix("-c").map(str::trim) {
            Some("") => words.next(),
            Some(pair) => Some(pair.to_owned()),
            None => word.strip_prefix("--").map(str::to_owned),
        };
        let pair = pair.as_deref().and_then(|pair| pair.split_once('='));
        found.extend(pair.map(|(name, value)| (name.trim().to_owned(), value.to_owned())));
    }
    found
}

/// Words between spaces; a backslash takes the next character as it is.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, words.last_mut()) {
            ('\\', Some(word)) => word.extend(characters.next()),
            (space, Some(word)) if space.is_whitespace() => {
                if !word.is_empty() {
                    words.push(String::new());
                }
            }
            (other, Some(word)) => word.push(other),
            (_, None) => {}
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_in_every_form() {
        for (options, expected) in [
            ("", &[][..]),
            (
                "-csearch_path=a,b -c x.y=c\\ d  --z=1",
                &[("search_path", "a,b"), ("x.y", "c d"), ("z", "1")],
            ),
            ("-c", &[]),
            ("-c x -d 3", &[]),
        ] {
            let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            assert_eq!(
                read(options),
                expected.iter().map(owned).collect::<Vec<_>>(),
                "{options}"
            );
        }
    }
}
