package main

import (
	"errors"
	"io/fs"
	"os"

	"awayd/configs"
)

// defaultConfig is read when no --config is given, if it is there.
const defaultConfig = "/etc/awayd/awayd.toml"
