//go:build nogozero

package contestant

func goZero() []Contestant { return nil }
