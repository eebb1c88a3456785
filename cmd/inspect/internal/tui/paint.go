package tui

import "github.com/charmbracelet/x/ansi"

// kind is what a text means. It decides the look.
type kind int

const (
	plain  kind = iota
	strong      // titles
	faint       // what matters least, or may no longer be so
	chosen      // the row of the cursor
	good        // works
	info        // waits, as intended
	odd         // should be looked at
	bad         // needs an operator
	alarm       // the screen itself is not to be trusted
)

// paint gives a text the look of its kind. The colours are the terminal's own, so that its owner has chosen them; Bubble Tea drops them where
// NO_COLOR is set.
func paint(k kind, text string) string {
	if text == "" {
		return ""
	}
	var s ansi.Style
	switch k {
	case strong:
		s = s.Bold()
	case faint:
		s = s.Faint()
	case chosen:
		s = s.Reverse(true)
	case good:
		s = s.ForegroundColor(ansi.Green)
	case info:
		s = s.ForegroundColor(ansi.Cyan)
	case odd:
		s = s.ForegroundColor(ansi.Yellow)
	case bad:
		s = s.Bold().ForegroundColor(ansi.Red)
	case alarm:
		s = s.Bold().Reverse(true).ForegroundColor(ansi.Red)
	default:
		return text
	}
	return s.Styled(text)
}
