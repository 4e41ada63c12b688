//! Calendar: the period, the rhythm of day and night, and how many events fall into each hour.
//!
//! Shares are integers, so that they add up to the plan's number of events exactly, and any one day can be
//! generated without the days before it. It knows nothing of who acts.

use std::fmt::Write as _;

use super::Plan;

/// Seconds in a day.
pub(super) const DAY_S: i64 = 86_400;
/// Seconds in an hour.
pub(super) const HOUR_S: i64 = 3_600;

/// The period of a plan, in seconds since 1970 and whole days.
#[derive(Debug, Clone, Copy)]
pub(super) struct Calendar {
    pub start: i64,
    pub days: u32,
}

/// Who is at work in an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shift {
    Office,
    Evening,
    Night,
}

impl Calendar {
    pub(super) fn new(plan: &Plan) -> Calendar {
        let end = plan.end.timestamp();
        let end = end - end.rem_euclid(DAY_S);
        Calendar { start: end - i64::from(plan.days) * DAY_S, days: plan.days }
    }

    pub(super) fn end(&self) -> i64 {
        self.start + i64::from(self.days) * DAY_S
    }

    pub(super) fn day_start(&self, day: u32) -> i64 {
        self.start + i64::from(day) * DAY_S
    }

    pub(super) fn workday(&self, day: u32) -> bool {
        // 1970-01-01 was a Thursday; 0 is Monday here.
        (self.day_start(day).div_euclid(DAY_S) + 3).rem_euclid(7) < 5
    }

    pub(super) fn shift(&self, day: u32, hour: u32) -> Shift {
        match hour {
            7..=18 if self.workday(day) => Shift::Office,
            0..=4 => Shift::Night,
            _ => Shift::Evening,
        }
    }

    /// How busy an hour is, relative to the others.
    pub(super) fn weight(&self, day: u32, hour: u32) -> u64 {
        const OFFICE: [u64; 12] = [14, 22, 30, 34, 33, 26, 29, 34, 33, 28, 21, 15];
        match self.shift(day, hour) {
            Shift::Office => hour.checked_sub(7).and_then(|at| OFFICE.get(at as usize)).copied().unwrap_or(14),
            Shift::Evening => 9,
            // Nightly jobs.
            Shift::Night => {
                if hour == 2 {
                    16
                } else {
                    8
                }
            }
        }
    }

    /// Sum of the hours' weights of one day.
    pub(super) fn day_weight(&self, day: u32) -> u64 {
        (0..24).map(|hour| self.weight(day, hour)).sum()
    }
}

/// The part of `total` that falls between two marks on a scale of `whole`: parts of adjoining marks add up to
/// `total` exactly.
pub(super) fn share(total: u64, from: u64, to: u64, whole: u64) -> u64 {
    let upto = |mark: u64| (u128::from(total) * u128::from(mark) / u128::from(whole.max(1))) as u64;
    upto(to).saturating_sub(upto(from))
}

/// A point in time, taken apart: year, month, day, hour, minute, second (UTC).
pub(super) fn civil(time: i64) -> (i64, u32, u32, u32, u32, u32) {
    let (days, seconds) = (time.div_euclid(DAY_S), time.rem_euclid(DAY_S) as u32);
    // Days to a date of the proleptic Gregorian calendar, by eras of 400 years that begin in March.
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * shifted + 2) / 5 + 1) as u32;
    let month = (if shifted < 10 { shifted + 3 } else { shifted - 9 }) as u32;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day, seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// Appends `2026-10-31T23:59:59Z`, the form of `eventTime` and `creationDate`.
pub(super) fn push_time(out: &mut String, time: i64) {
    let (year, month, day, hour, minute, second) = civil(time);
    push_padded(out, (year.rem_euclid(10_000) / 100) as u32);
    push_padded(out, (year.rem_euclid(100)) as u32);
    for (mark, value) in [('-', month), ('-', day), ('T', hour), (':', minute), (':', second)] {
        out.push(mark);
        push_padded(out, value);
    }
    out.push('Z');
}

fn push_padded(out: &mut String, value: u32) {
    out.push(char::from(b'0' + (value / 10 % 10) as u8));
    out.push(char::from(b'0' + (value % 10) as u8));
}

/// Appends `Nov 1, 2026, 6:12:22 AM`, the form of dates within `responseElements`.
pub(super) fn push_us_time(out: &mut String, time: i64) {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (year, month, day, hour, minute, second) = civil(time);
    let name = MONTHS.get(month as usize - 1).unwrap_or(&"Jan");
    let (noon, hour) = (if hour < 12 { "AM" } else { "PM" }, (hour + 11) % 12 + 1);
    // Writing to a String cannot fail.
    let _ = write!(out, "{name} {day}, {year}, {hour}:{minute:02}:{second:02} {noon}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: fn(&mut String, i64), time: i64) -> String {
        let mut out = String::new();
        write(&mut out, time);
        out
    }

    #[test]
    fn times_are_written_as_cloudtrail_writes_them() {
        assert_eq!(text(push_time, 0), "1970-01-01T00:00:00Z");
        assert_eq!(text(push_time, 951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(text(push_time, 951_868_799), "2000-02-29T23:59:59Z");
        assert_eq!(text(push_time, 1_793_491_199), "2026-10-31T23:59:59Z");
        assert_eq!(text(push_us_time, 1_793_491_199), "Oct 31, 2026, 11:59:59 PM");
        assert_eq!(text(push_us_time, 1_793_491_200), "Nov 1, 2026, 12:00:00 AM");
    }

    #[test]
    fn shares_add_up() {
        let marks = [0, 3, 4, 50, 50, 97, 101];
        let parts: u64 = marks.windows(2).map(|m| share(1_000, m[0], m[1], 101)).sum();
        assert_eq!(parts, 1_000);
    }

    #[test]
    fn a_period_ends_where_the_plan_says_and_knows_its_weekends() {
        let calendar = Calendar::new(&Plan { days: 7, ..Plan::default() });
        assert_eq!(text(push_time, calendar.end()), "2026-11-01T00:00:00Z");
        // 2026-10-31 is a Saturday, the last day of the period.
        assert!(!calendar.workday(6));
        assert!(calendar.workday(5));
        assert_eq!(calendar.shift(5, 10), Shift::Office);
        assert_eq!(calendar.shift(6, 10), Shift::Evening);
    }
}
