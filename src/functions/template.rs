//! Templates: `{day} [{level}] {message}`, texts in which each part goes as far as the first place
//! where what stands behind it begins.
//!
//! Nothing is tried twice, so a text is read in one pass. The last part ends where the text does, or
//! where what the template ends with stands at the end of the text.

use super::regex::Places;
use memchr::memmem::Finder;

/// What stands before, between and behind the parts.
pub struct Template {
    start: String,
    between: Vec<Finder<'static>>,
    end: String,
}

/// Why a text is not of a template.
#[derive(Debug, PartialEq, Eq)]
pub enum Misfit {
    /// It does not begin as it should.
    Start,
    /// What should stand behind this part, from 1, is not in the rest.
    Behind(usize),
}

impl Template {
    /// Of one text more than there are parts.
    pub fn new(texts: &[String]) -> Template {
        let (start, rest) = texts.split_first().expect("a template begins with a text");
        let (end, between) = rest.split_last().expect("a template has a part");
        let between = between.iter().map(|text| Finder::new(text.as_bytes()).into_owned());
        Template { start: start.clone(), between: between.collect(), end: end.clone() }
    }

    /// How many parts there are.
    pub fn parts(&self) -> usize {
        self.between.len() + 1
    }

    /// Finds the parts.
    pub fn read(&self, text: &str, places: &mut Places) -> Result<(), Misfit> {
        let mut at = self.start.len();
        if !text.starts_with(&self.start) {
            return Err(Misfit::Start);
        }
        for (before, behind) in self.between.iter().enumerate() {
            let part = before + 1;
            let len = behind.find(&text.as_bytes()[at..]).ok_or(Misfit::Behind(part))?;
            places.put(part, at..at + len);
            at += len + behind.needle().len();
        }
        let last = self.parts();
        let rest = text[at..].strip_suffix(&*self.end).ok_or(Misfit::Behind(last))?;
        places.put(last, at..at + rest.len());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts<'t>(texts: &[&str], text: &'t str) -> Result<Vec<&'t str>, Misfit> {
        let texts: Vec<String> = texts.iter().map(|&text| text.into()).collect();
        let template = Template::new(&texts);
        let mut places = Places::of(template.parts());
        template.read(text, &mut places)?;
        let places = (1..=template.parts()).filter_map(|part| places.get(part));
        Ok(places.map(|(start, end)| &text[start..end]).collect())
    }

    #[test]
    fn each_part_goes_to_the_first_place() {
        assert_eq!(parts(&["", " ", ""], "a b c"), Ok(vec!["a", "b c"]));
        assert_eq!(parts(&["[", "] ", ";"], "[é] ü;;"), Ok(vec!["é", "ü;"]));
        assert_eq!(parts(&["", "::", ""], "::"), Ok(vec!["", ""]));
    }

    #[test]
    fn it_says_what_is_missing() {
        assert_eq!(parts(&["[", "]", ""], "x"), Err(Misfit::Start));
        assert_eq!(parts(&["", " - ", " ", ""], "a - b"), Err(Misfit::Behind(2)));
        // What the text begins with is not looked for twice.
        assert_eq!(parts(&["ab", "b"], "ab"), Err(Misfit::Behind(1)));
        assert_eq!(parts(&["", ";"], ""), Err(Misfit::Behind(1)));
    }
}
