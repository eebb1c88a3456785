// Package tui is the live view of inspect: six screens of one fleet on a terminal. It reads the fleet every two seconds.
//
// A pure function, view, draws a frame from the data that was read ([data]), the operator's choices ([state]) and the size of the terminal. Keys and
// readings change data and state in model.Update, which never waits. Only commands of Bubble Tea read Redis, one reading at a time, so that a slow
// Redis delays no key. This package starts no goroutine of its own.
//
// A reading that fails leaves the last data on the screen, dimmed and marked STALE with its age, below a banner that says what is wrong. The view
// keeps reading at the same interval. The next reading that succeeds removes the banner.
//
// Package report cleans every text before the terminal gets it. Colours are the terminal's sixteen, and a colour is never the only sign of a state:
// states are words, and states that need an operator are in capital letters.
package tui
