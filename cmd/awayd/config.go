package main

import (
	"errors"
	"io/fs"
	"os"

	"awayd/configs"
	"awayd/sync/absence"
)

// defaultConfig is read when no --config is given, if it is there.
const defaultConfig = "/etc/awayd/awayd.toml"

// config reads the configuration. Wrong usage is what a wrong one is.
func (a *app) config() (configs.Config, error) {
	file := a.configFile
	if file == "" {
		file = defaultConfig
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return configs.Default(), nil
		}
	}
	cfg, err := configs.Load(file)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return cfg, usagef("--config FILE with a file that can be read", "%v", err)
	}
	if err != nil {
		return cfg, err
	}
	// Only package absence knows languages and message fields.
	if err := absence.CheckMessage(cfg.Message, cfg.Lang); err != nil {
		return cfg, cfg.Problem("message", err)
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
