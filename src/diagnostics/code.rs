//! The numbers of the diagnostics. A code is added by one row here and its page
//! `docs/diagnostics/CODE.md`; a number is never used again for something else.

use super::Severity;
use std::fmt;

macro_rules! codes {
    ($($code:ident)*) => {
        /// The number of a diagnostic: `E` is an error of the program, `W` a warning, `R` an error
        /// at run time, `D` a broken data rule.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs)]
        pub enum Code { $($code),* }

        impl Code {
            /// All codes, in order.
            pub const ALL: &'static [Code] = &[$(Code::$code),*];

            /// As it is written: `E0101`.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$code => stringify!($code)),* }
            }

            /// Its page: why it is a mistake, an example that fails and one that passes. A code
            /// without a page does not compile.
            pub fn page(self) -> &'static str {
                match self {
                    $(Code::$code => include_str!(concat!(
                        env!("CARGO_MANIFEST_DIR"),
                        "/docs/diagnostics/",
                        stringify!($code),
                        ".md"
                    ))),*
                }
            }
        }
    };
}

codes! {
    // The text: what the parser finds.
    E0001 E0002 E0003 E0004 E0005 E0006 E0007 E0008 E0009 E0010 E0011 E0012 E0013 E0014
    E0015 E0016 E0017 E0018 E0019 E0021
    // Comments that allow warnings.
    W0022 W0023
    // Parsed, but without a meaning yet.
    E0020
    // Names.
    E0101 E0102 E0103 E0104 E0105 E0106 E0107 E0108 E0109 E0110 E0111 E0112 E0113 E0114 E0115
    E0116 E0117 E0118 E0119 E0120 E0121 E0122 E0123 E0124 E0125 E0126
    E0127 E0128 W0129 E0130 E0131 E0132 E0133 E0134 E0135
    E0136 E0137 E0138 E0139
    E0140 E0141 E0142 E0143 W0144 E0145 E0150 E0151
    // What has no effect.
    W0146 W0147
    // Types and nulls.
    E0201 E0202 E0203 E0204 E0205 E0206 E0207 E0208 E0209 E0210 E0211 E0212 E0213 E0214 E0215 E0216 E0217
    E0218 E0219 E0220 E0221 E0222 E0223 E0224 E0225 E0226 E0227 E0228 W0229 E0230 E0231 E0232 E0233 E0234 E0301 W0303
    // Tables.
    W0401 W0402 E0402 E0403 W0404 W0405 E0406 E0407 W0408 E0409 E0410 E0411 E0412 E0413 W0414 W0415
    // Windows.
    E0420 E0421
    // Joins.
    E0430 E0431 E0432
    // Sources, outputs, jobs.
    E0503 E0504 E0505 E0506 E0507 E0508 E0509 E0510 E0511 E0512 E0601 W0601 W0602 W0603 E0604 E0606 E0607 E0608
    // Tests of the program.
    E0801 W0802
    // Runs, and rules about data.
    R0101 R0102 R0103 R0104 R0105 R0106 D0101 D0102
}

impl Code {
    /// The code written so, in either case.
    pub fn parse(text: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.as_str().eq_ignore_ascii_case(text))
    }

    /// What its page is called: the first line of it, behind the code.
    pub fn title(self) -> &'static str {
        let first = self.page().lines().next().unwrap_or("");
        first.split_once(": ").map_or(first, |(_, title)| title)
    }

    /// Is it an error of the text itself, which the parser finds?
    pub fn is_of_the_text(self) -> bool {
        self.as_str().starts_with("E00")
    }

    /// Warnings begin with `W`; all others are errors.
    pub fn severity(self) -> Severity {
        if self.as_str().starts_with('W') { Severity::Warning } else { Severity::Error }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
