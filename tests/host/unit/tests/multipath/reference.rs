// SPDX-License-Identifier: GPL-2.0

//! The C selectors, transcribed: lists that are walked from their head.

/// What the C selectors do, for paths by their index.
pub(super) trait Reference {
    /// `select_path` and then `start_io`.
    fn select(&mut self, bytes: u32, now: u64) -> Option<usize>;
    /// `end_io`.
    fn end(&mut self, path: usize, bytes: u32, start: u64, now: u64);
    /// An I/O that `select_path` was called for, and `start_io` was not.
    fn cancel(&mut self, path: usize, bytes: u32);
    fn fail(&mut self, path: usize);
    fn reinstate(&mut self, path: usize);
}

/// `valid_paths`, the least preferred one last.
struct List(Vec<usize>);

impl List {
    fn new(paths: usize) -> Self {
        Self((0..paths).collect())
    }

    fn remove(&mut self, path: usize) {
        self.0.retain(|other| *other != path);
    }

    fn move_to_tail(&mut self, path: usize) {
        self.remove(path);
        self.0.push(path);
    }

    /// The path that no later one is better than, which then is the last one.
    fn take_best(&mut self, is_better: impl Fn(usize, usize) -> bool) -> Option<usize> {
        let mut best = *self.0.first()?;
        for path in &self.0 {
            if is_better(*path, best) {
                best = *path;
            }
        }
        self.move_to_tail(best);
        Some(best)
    }
}

/// `dm-ps-round-robin.c`, but that a reinstated path goes where its turn is in table order.
pub(super) struct RoundRobin {
    list: List,
}

impl RoundRobin {
    pub(super) fn new(paths: usize) -> Self {
        Self {
            list: List::new(paths),
        }
    }
}

impl Reference for RoundRobin {
    fn select(&mut self, _bytes: u32, _now: u64) -> Option<usize> {
        let first = *self.list.0.first()?;
        self.list.move_to_tail(first);
        Some(first)
    }

    fn end(&mut self, _path: usize, _bytes: u32, _start: u64, _now: u64) {}

    fn cancel(&mut self, _path: usize, _bytes: u32) {}

    fn fail(&mut self, path: usize) {
        self.list.remove(path);
    }

    /// In C: to the head of the list.
    fn reinstate(&mut self, path: usize) {
        self.list.0.insert(0, path);
    }
}

/// `dm-ps-queue-length.c`.
pub(super) struct QueueLength {
    list: List,
    length: Vec<i32>,
}

impl QueueLength {
    pub(super) fn new(paths: usize) -> Self {
        Self {
            list: List::new(paths),
            length: vec![0; paths],
        }
    }
}

impl Reference for QueueLength {
    fn select(&mut self, _bytes: u32, _now: u64) -> Option<usize> {
        let Self { list, length } = self;
        let mut best: Option<usize> = None;
        for path in &list.0 {
            if best.is_none_or(|best| length[*path] < length[best]) {
                best = Some(*path);
            }
            if best.is_some_and(|best| length[best] == 0) {
                break;
            }
        }
        let best = best?;
        list.move_to_tail(best);
        length[best] += 1;
        Some(best)
    }

    fn end(&mut self, path: usize, _bytes: u32, _start: u64, _now: u64) {
        self.length[path] -= 1;
    }

    fn cancel(&mut self, path: usize, _bytes: u32) {
        self.length[path] -= 1;
    }

    fn fail(&mut self, path: usize) {
        self.list.remove(path);
    }

    fn reinstate(&mut self, path: usize) {
        self.list.move_to_tail(path);
    }
}

/// `dm-ps-service-time.c`.
pub(super) struct ServiceTime {
    list: List,
    in_flight: Vec<i32>,
    throughput: Vec<u32>,
}

impl ServiceTime {
    pub(super) fn new(throughput: &[u32]) -> Self {
        Self {
            list: List::new(throughput.len()),
            in_flight: vec![0; throughput.len()],
            throughput: throughput.to_vec(),
        }
    }

    /// `st_compare_load`.
    fn compare(&self, path: usize, other: usize, incoming: u64) -> i64 {
        let mut sz1 = self.in_flight[path] as u64;
        let mut sz2 = self.in_flight[other] as u64;
        let (t1, t2) = (self.throughput[path], self.throughput[other]);
        if t1 == t2 {
            return sz1.wrapping_sub(sz2) as i64;
        }
        if sz1 == sz2 || t1 == 0 || t2 == 0 {
            return i64::from(t2) - i64::from(t1);
        }
        sz1 += incoming;
        sz2 += incoming;
        if sz1 >= u64::MAX >> 7 || sz2 >= u64::MAX >> 7 {
            sz1 >>= 7;
            sz2 >>= 7;
        }
        let st1 = sz1 * u64::from(t2);
        let st2 = sz2 * u64::from(t1);
        if st1 != st2 {
            return st1.wrapping_sub(st2) as i64;
        }
        i64::from(t2) - i64::from(t1)
    }
}

impl Reference for ServiceTime {
    fn select(&mut self, bytes: u32, _now: u64) -> Option<usize> {
        let mut list = std::mem::replace(&mut self.list, List::new(0));
        let best = list.take_best(|path, best| self.compare(path, best, u64::from(bytes)) < 0);
        self.list = list;
        if let Some(best) = best {
            self.in_flight[best] += bytes as i32;
        }
        best
    }

    fn end(&mut self, path: usize, bytes: u32, _start: u64, _now: u64) {
        self.in_flight[path] -= bytes as i32;
    }

    fn cancel(&mut self, path: usize, bytes: u32) {
        self.in_flight[path] -= bytes as i32;
    }

    fn fail(&mut self, path: usize) {
        self.list.remove(path);
    }

    fn reinstate(&mut self, path: usize) {
        self.list.move_to_tail(path);
    }
}

#[derive(Clone, Default)]
struct History {
    historical_service_time: u64,
    stale_after: u64,
    last_finish: u64,
    outstanding: u64,
}

/// `dm-ps-historical-service-time.c`.
pub(super) struct HistoricalServiceTime {
    list: List,
    paths: Vec<History>,
    weights: [u32; 64],
    threshold: u32,
    /// The last choice depended on the order of the list beyond ties: the comparison is no order.
    pub(super) was_ambiguous: bool,
}

impl HistoricalServiceTime {
    pub(super) fn new(paths: usize, base: u32, threshold: u32) -> Self {
        let mut weights = [0; 64];
        for (n, weight) in weights.iter_mut().enumerate().take(63) {
            *weight = Self::fixed_power(u64::from(base), 10, n as u32 + 1) as u32;
        }
        let path = History {
            historical_service_time: 1 << 10,
            ..History::default()
        };
        Self {
            list: List::new(paths),
            paths: vec![path; paths],
            weights,
            threshold,
            was_ambiguous: false,
        }
    }

    fn fixed_power(mut x: u64, frac_bits: u32, mut n: u32) -> u64 {
        let mut result = 1u64 << frac_bits;
        if n != 0 {
            loop {
                if n & 1 != 0 {
                    result *= x;
                    result += 1 << (frac_bits - 1);
                    result >>= frac_bits;
                }
                n >>= 1;
                if n == 0 {
                    break;
                }
                x *= x;
                x += 1 << (frac_bits - 1);
                x >>= frac_bits;
            }
        }
        result
    }

    fn compare(&self, path: usize, other: usize, time_now: u64) -> i64 {
        let (pi1, pi2) = (&self.paths[path], &self.paths[other]);
        let (mut hst1, mut hst2) = (pi1.historical_service_time, pi2.historical_service_time);
        let (out1, out2) = (pi1.outstanding as i64, pi2.outstanding as i64);
        let (stale1, stale2) = (pi1.stale_after as i64, pi2.stale_after as i64);
        let over_threshold = if hst1 > hst2 {
            hst1 > u64::from(self.threshold).wrapping_mul(hst2)
        } else {
            hst2 > u64::from(self.threshold).wrapping_mul(hst1)
        };
        if !over_threshold {
            return out1 - out2;
        }
        if (out1 == 0 && (stale1 as u64) < time_now)
            || (out2 == 0 && (stale2 as u64) < time_now)
            || (out1 == 0 && out2 == 0)
        {
            return i64::from(out2 == 0) * stale1 - i64::from(out1 == 0) * stale2;
        }
        let pi2_better = if out1 == out2 {
            hst1 > hst2
        } else {
            if out1 >= 1024 || out2 >= 1024 {
                hst1 >>= 10;
                hst2 >>= 10;
            }
            (1 + out1 as u64).wrapping_mul(hst1) > (1 + out2 as u64).wrapping_mul(hst2)
        };
        if pi2_better {
            if (stale2 as u64) < time_now {
                return out1 - out2;
            }
            return 1;
        }
        if (stale1 as u64) < time_now {
            return out1 - out2;
        }
        -1
    }

    /// Whether the comparison gives no order of the valid paths, so that who wins depends on who
    /// is asked first.
    fn is_ambiguous(&self, now: u64) -> bool {
        let list = &self.list.0;
        let sign = |a: usize, b: usize| self.compare(a, b, now).signum();
        list.iter().any(|a| {
            list.iter().any(|b| {
                sign(*a, *b) != -sign(*b, *a)
                    || list.iter().any(|c| {
                        sign(*a, *b) <= 0 && sign(*b, *c) <= 0 && {
                            let both = sign(*a, *b) + sign(*b, *c);
                            sign(*a, *c) != both.signum()
                        }
                    })
            })
        })
    }
}

impl Reference for HistoricalServiceTime {
    fn select(&mut self, _bytes: u32, now: u64) -> Option<usize> {
        self.was_ambiguous = self.is_ambiguous(now);
        let mut list = std::mem::replace(&mut self.list, List::new(0));
        let best = list.take_best(|path, best| self.compare(path, best, now) < 0);
        self.list = list;
        if let Some(best) = best {
            self.paths[best].outstanding += 1;
        }
        best
    }

    fn end(&mut self, path: usize, _bytes: u32, mut start_time: u64, now: u64) {
        let valid_count = self.list.0.len() as u64;
        let pi = &mut self.paths[path];
        if (start_time.wrapping_sub(pi.last_finish) as i64) < 0 {
            start_time = pi.last_finish;
        }
        pi.last_finish = now;
        let st = if (now.wrapping_sub(start_time) as i64) < 0 {
            0
        } else {
            now - start_time
        };
        pi.outstanding -= 1;
        let weight = u64::from(self.weights[(st >> 24).clamp(0, 63) as usize]);
        let next = (st * 1024).min(u64::MAX >> 10);
        let last = pi.historical_service_time;
        pi.historical_service_time = (last * weight + next * (1024 - weight) + (1 << 9)) >> 10;
        pi.stale_after = pi.last_finish + valid_count * (pi.historical_service_time >> 10);
    }

    fn cancel(&mut self, path: usize, _bytes: u32) {
        self.paths[path].outstanding -= 1;
    }

    fn fail(&mut self, path: usize) {
        self.list.remove(path);
    }

    fn reinstate(&mut self, path: usize) {
        self.list.move_to_tail(path);
    }
}
