//go:build race

package crowd

// The race detector makes stacks larger.
const largerStacks = true
