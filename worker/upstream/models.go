package upstream

import (
	"fmt"
	"slices"
)

// models are the models of Anthropic, unless the configuration names others.
func models() []string {
	return []string{
		"claude-fable-5", "claude-fable-5-1",
		"claude-haiku-4-5", "claude-haiku-4-5-20251001", "claude-haiku-5-5",
		"claude-mythos-5", "claude-mythos-5-1",
		"claude-opus-4-5", "claude-opus-4-5-20251101", "claude-opus-4-6", "claude-opus-4-7", "claude-opus-4-8", "claude-opus-5", "claude-opus-5-5",
		"claude-sonnet-4-5", "claude-sonnet-4-5-20250929", "claude-sonnet-4-6", "claude-sonnet-5", "claude-sonnet-5-5",
	}
}

const (
	maxModels = 1_000
	maxModel  = 256 // bytes of a name
)

// serves reports whether a model exists.
func (c Config) serves(model string) bool {
	if c.Models == nil {
		return slices.Contains(models(), model)
	}
	return slices.Contains(c.Models, model)
}

func (c Config) validateModels() error {
	if len(c.Models) > maxModels {
		return fmt.Errorf("upstream: %d models: give at most %d", len(c.Models), maxModels)
	}
	for _, name := range c.Models {
		if name == "" || len(name) > maxModel {
			return fmt.Errorf("upstream: model %.20q has %d bytes: give a name of 1 to %d", name, len(name), maxModel)
		}
	}
	return nil
}
