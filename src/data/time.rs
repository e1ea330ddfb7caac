//! Time zones by their names.

/// The zone of this name; an error says what is wrong with it.
pub fn time_zone(name: &str) -> Result<jiff::tz::TimeZone, String> {
    if name == "UTC" {
        return Ok(jiff::tz::TimeZone::UTC);
    }
    jiff::tz::TimeZone::get(name).map_err(|_| {
        let meant = nearest_zone(name).map(|meant| format!("; did you mean \"{meant}\"?"));
        format!("there is no time zone \"{name}\"{}", meant.unwrap_or_default())
    })
}

/// The zone that a name was probably meant for: one that is spelled nearly so, or its city alone.
fn nearest_zone(name: &str) -> Option<String> {
    let wanted = name.to_lowercase().replace(' ', "_");
    let limit = wanted.len() / 4;
    let zones = jiff::tz::db().available().map(|zone| zone.as_str().to_owned());
    let near = zones.filter(|zone| zone.contains('/')).filter_map(|zone| {
        let known = zone.to_lowercase();
        let is_city = known.strip_suffix(&wanted).is_some_and(|area| area.ends_with('/'));
        let distance = if is_city { 0 } else { strsim::damerau_levenshtein(&wanted, &known) };
        (distance <= limit).then_some((distance, zone))
    });
    near.min().map(|(_, zone)| zone)
}
