//go:build !race

package explore

const every = 1
