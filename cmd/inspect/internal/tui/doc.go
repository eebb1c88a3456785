// Package tui is the live view of inspect: six screens of one fleet on a terminal, read again every two seconds.
//
// What is drawn is a pure function, view, of what has been read ([data]), what the operator has chosen ([state]) and the size of the terminal. Keys
// and readings change the two in model.Update, which never waits. Redis is read only inside commands of Bubble Tea, one reading at a time, so that
// a slow Redis delays no key. Nothing here starts a goroutine of its own.
//
// A reading that fails leaves the last data on the screen, dimmed and called STALE with its age, below a banner that says what is wrong. Readings
// go on at the same interval, and the next one that succeeds takes the banner away.
//
// No text reaches the terminal that package report has not cleaned. Colours are the sixteen of the terminal and never the only sign of something:
// states are words, and what needs an operator is in capital letters.
package tui
