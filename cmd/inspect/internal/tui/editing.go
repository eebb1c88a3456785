package tui

import (
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
)

// longestLine is the maximum number of bytes of a typed line.
const longestLine = 200

func edit(m *model, _ string) tea.Cmd {
	if m.screen == redisScreen {
		m.notice = "this screen has no filter"
		return nil
	}
	m.help, m.detail, m.offset = false, "", 0
	m.former, m.editing, m.input, m.inputBad = m.filter(), true, m.filter().String(), ""
	return nil
}

// typed handles a key while the operator types a filter. After each key the rows change, if the typed text is a valid filter.
func (m *model) typed(key, text string) {
	switch key {
	case "enter":
		m.editing = false
		return
	case "esc":
		m.editing = false
		m.filters[m.screen.filtered()] = m.former
		return
	default:
		m.line(key, text)
		m.apply()
	}
}

// line handles a key on the line that the operator types: a filter or a name.
func (m *model) line(key, text string) {
	switch key {
	case "backspace":
		_, size := utf8.DecodeLastRuneInString(m.input)
		m.input = m.input[:len(m.input)-size]
	case "ctrl+u":
		m.input = ""
	default:
		m.insert(text)
	}
}

// insert adds typed or pasted text, without unprintable characters. It drops a text that makes the line too long.
func (m *model) insert(text string) {
	clean := strings.Map(func(r rune) rune {
		if report.Clean(string(r)) != string(r) {
			return -1
		}
		return r
	}, text)
	if len(m.input)+len(clean) <= longestLine {
		m.input += clean
	}
}

func (m *model) apply() {
	f, err := report.ParseFilter(m.input)
	m.inputBad = ""
	if err != nil {
		m.inputBad = report.Clean(err.Error())
		return
	}
	m.filters[m.screen.filtered()] = f
}
