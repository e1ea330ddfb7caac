//! What a `User-Agent` says, read from the tokens that browsers and systems put into it.
//!
//! Browsers name those that they are like, so the order of a table is what decides: the first that
//! is found. No list of all programs is kept here, as it would be out of date; programs are known by
//! the words that they use for themselves.

use crate::functions::columns::Prepared;
use crate::functions::kernel::Call;
use crate::functions::records::{Cell, read_records};

/// The token that comes before a version, and the browser.
const BROWSERS: &[(&str, &str)] = &[
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("Edge/", "Edge"),
    ("OPR/", "Opera"),
    ("OPT/", "Opera"),
    ("OPiOS/", "Opera"),
    ("Opera Mini/", "Opera Mini"),
    ("Vivaldi/", "Vivaldi"),
    ("YaBrowser/", "Yandex Browser"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("UCBrowser/", "UC Browser"),
    ("DuckDuckGo/", "DuckDuckGo"),
    ("Brave/", "Brave"),
    ("FxiOS/", "Firefox"),
    ("Focus/", "Firefox Focus"),
    ("SeaMonkey/", "SeaMonkey"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Headless Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("MSIE ", "Internet Explorer"),
    ("Opera/", "Opera"),
];

/// The token, and the system.
const SYSTEMS: &[(&str, &str)] = &[
    ("Windows Phone", "Windows Phone"),
    ("Windows", "Windows"),
    ("iPhone", "iOS"),
    ("iPod", "iOS"),
    ("iPad", "iPadOS"),
    ("Tizen", "Tizen"),
    ("webOS", "webOS"),
    ("Web0S", "webOS"),
    ("KAIOS", "KaiOS"),
    ("HarmonyOS", "HarmonyOS"),
    ("Android", "Android"),
    ("CrOS", "Chrome OS"),
    ("Mac OS X", "macOS"),
    ("Macintosh", "macOS"),
    ("FreeBSD", "FreeBSD"),
    ("OpenBSD", "OpenBSD"),
    ("Linux", "Linux"),
    ("X11", "Linux"),
];

/// Words that programs use for themselves, in lower case.
const PROGRAMS: &[&str] = &[
    "bot",
    "crawl",
    "spider",
    "slurp",
    "scrap",
    "http://",
    "https://",
    "curl/",
    "wget/",
    "python",
    "java/",
    "okhttp",
    "go-http-client",
    "httpclient",
    "libwww",
    "axios/",
    "node-fetch",
    "postmanruntime",
    "headless",
    "lighthouse",
    "phantomjs",
    "facebookexternalhit",
    "monitor",
    "uptime",
    "pingdom",
    "feedfetcher",
    "preview",
];

/// Words of televisions and what stands beside them.
const TELEVISIONS: &[&str] =
    &["SmartTV", "SMART-TV", "AppleTV", "GoogleTV", "BRAVIA", "; AFT", "Roku", "Web0S", "CrKey"];

/// `user_agent(text)`
pub(super) fn user_agent(call: &Call) -> Prepared {
    read_records(call, |text, cells| {
        let is_program = is_program(text);
        let named = |name: Option<&'static str>| name.map_or(Cell::Null, Cell::text);
        let (browser, version) = browser(text).unzip();
        let system = SYSTEMS.iter().find(|(token, _)| text.contains(token)).map(|(_, os)| *os);
        let fields = [
            named(browser),
            version.flatten().map_or(Cell::Null, Cell::Int),
            named(system),
            Cell::text(device(text, is_program, system)),
            Cell::Bool(is_program),
        ];
        cells.iter_mut().zip(fields).for_each(|(cell, field)| *cell = field);
        Ok(())
    })
}

/// The browser and its major version.
fn browser(text: &str) -> Option<(&'static str, Option<i64>)> {
    for (token, name) in BROWSERS {
        if let Some(at) = text.find(token) {
            return Some((name, number(&text[at + token.len()..])));
        }
    }
    if text.contains("Trident/") {
        let version = text.find("rv:").and_then(|at| number(&text[at + 3..]));
        return Some(("Internet Explorer", version));
    }
    // Safari says its own version elsewhere, and browsers of Android say that they are like it.
    let version = text.find("Version/").and_then(|at| number(&text[at + 8..]));
    match text.contains("Safari/") {
        true if text.contains("Android") => Some(("Android Browser", version)),
        true => Some(("Safari", version)),
        false => None,
    }
}

/// The number at the beginning.
fn number(text: &str) -> Option<i64> {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

fn is_program(text: &str) -> bool {
    // Each is ASCII, so only ASCII needs to be compared.
    let bytes = text.as_bytes();
    let is_in = |word: &&'static str| {
        let word = word.as_bytes();
        bytes.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word))
    };
    PROGRAMS.iter().any(is_in)
}

fn device(text: &str, is_program: bool, system: Option<&str>) -> &'static str {
    if is_program {
        return "bot";
    }
    if TELEVISIONS.iter().any(|word| text.contains(word)) || text.contains("Tizen") {
        return "tv";
    }
    match system {
        Some("iPadOS") => "tablet",
        // A tablet of Android does not say that it is mobile.
        Some("Android") if text.contains("Tablet") || !text.contains("Mobile") => "tablet",
        Some("iOS" | "Android" | "Windows Phone" | "KaiOS" | "HarmonyOS") => "phone",
        Some("Windows" | "macOS" | "Linux" | "Chrome OS" | "FreeBSD" | "OpenBSD") => "desktop",
        _ if text.contains("Mobile") => "phone",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_told_from_those_that_they_are_like() {
        let said = |text: &str| {
            let is_program = is_program(text);
            let system = SYSTEMS.iter().find(|(token, _)| text.contains(token)).map(|(_, os)| *os);
            let (name, version) = browser(text).unzip();
            (
                name.unwrap_or("-"),
                version.flatten(),
                system.unwrap_or("-"),
                device(text, is_program, system),
            )
        };
        let apple = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.5 Safari/605.1.15";
        assert_eq!(said(apple), ("Safari", Some(16), "macOS", "desktop"));
        let galaxy = "Mozilla/5.0 (Linux; Android 13; SAMSUNG SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/21.0 Chrome/110.0.5481.154 Mobile Safari/537.36";
        assert_eq!(said(galaxy), ("Samsung Internet", Some(21), "Android", "phone"));
        let pad = "Mozilla/5.0 (iPad; CPU OS 16_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/114.0.5735.99 Mobile/15E148 Safari/604.1";
        assert_eq!(said(pad), ("Chrome", Some(114), "iPadOS", "tablet"));
        let explorer = "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko";
        assert_eq!(said(explorer), ("Internet Explorer", Some(11), "Windows", "desktop"));
        let google = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
        assert_eq!(said(google), ("-", None, "-", "bot"));
        let fox = "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0";
        assert_eq!(said(fox), ("Firefox", Some(115), "Linux", "desktop"));
        assert_eq!(said(""), ("-", None, "-", "other"));
        assert_eq!(said("é"), ("-", None, "-", "other"));
    }
}
