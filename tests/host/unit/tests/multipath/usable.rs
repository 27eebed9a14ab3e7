// SPDX-License-Identifier: GPL-2.0

use super::{map, path, System};
use crate::multipath::map::Blame;

#[test]
fn a_group_may_have_1024_paths() {
    let paths: Vec<String> = (0..1024).map(|index| format!("8:{index}")).collect();
    let line = format!("0 0 1 1 round-robin 0 1024 0 {}", paths.join(" "));
    let (map, mut state) = map(&line);
    let system = System::default();
    let picked: Vec<usize> = (0..2048)
        .map(|_| {
            super::index_of(
                &map,
                super::send(&map, &mut state, &system, 1).unwrap().path(),
            )
        })
        .collect();
    let expected: Vec<usize> = (0..2048).map(|index| index % 1024).collect();
    assert_eq!(picked, expected);

    for index in 0..1023 {
        let _ = state.fail_path(&map, path(&map, index), Blame::Io);
    }
    assert_eq!(map.valid_paths(), 1);
    let last = super::send(&map, &mut state, &system, 1).unwrap();
    assert_eq!(last.path(), path(&map, 1023));
    let _ = state.fail_path(&map, path(&map, 1023), Blame::Io);
    assert!(super::send(&map, &mut state, &system, 1).is_none());
}
