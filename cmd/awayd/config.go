package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"awayd/configs"
	"awayd/sync/absence"
	"awayd/sync/plan"
)

// defaultConfig is read when no --config is given, if it is there.
const defaultConfig = "/etc/awayd/awayd.toml"

// config returns the configuration as it was first read: later, this process
// may have become somebody who may not read it.
func (a *app) config() (configs.Config, error) {
	if a.read != nil {
		return *a.read, nil
	}
	cfg, err := a.readConfig()
	if err == nil {
		a.read = &cfg
	}
	return cfg, err
}

// readConfig reads the configuration. Wrong usage is what a wrong one is.
func (a *app) readConfig() (configs.Config, error) {
	file := a.configFile
	if file == "" {
		file = defaultConfig
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return configs.Default(), nil
		}
	}
	cfg, err := configs.Load(file)
	var problems configs.Problems
	if errors.As(err, &problems) {
		return cfg, err
	}
	if err != nil {
		advice := "--config FILE with a file that can be read"
		if a.configFile == "" && errors.Is(err, fs.ErrPermission) {
			advice = "it holds no secrets, so let everybody read it: chmod 644 " + file
		}
		return cfg, usagef(advice, "%v", err)
	}
	// Other packages know languages, message fields and names of groups.
	if err := absence.CheckMessage(cfg.Message, cfg.Lang); err != nil {
		return cfg, cfg.Problem("message", err)
	}
	if _, err := plan.ParseAudience(cfg.Audience); err != nil {
		return cfg, cfg.Problem("audience", err)
	}
	for _, r := range cfg.Rules {
		if slices.Contains(absence.BuiltinRules(), r.Name) {
			return cfg, r.Problem(cfg, fmt.Errorf("%q is the name of a built-in rule", r.Name))
		}
	}
	return cfg, nil
}

// configName says where the configuration comes from.
func (a *app) configName() string {
	if a.configFile != "" {
		return a.configFile
	}
	if _, err := os.Stat(defaultConfig); err != nil {
		return "built-in defaults"
	}
	return defaultConfig
}
