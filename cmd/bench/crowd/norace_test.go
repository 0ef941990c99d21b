//go:build !race

package crowd

const largerStacks = false
