package caldav

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// writeTZif writes a zone in the format of RFC 9636, which package time reads.
// footer says how it goes on after the last onset, in POSIX's way; empty: not
// at all.
func writeTZif(onsets []onset, footer string) ([]byte, error) {
	var types bytes.Buffer
	index := map[[2]int]byte{}
	typeOf := func(offset int, daylight bool) byte {
		key := [2]int{offset, 0}
		if daylight {
			key[1] = 1
		}
		i, ok := index[key]
		if !ok {
			i = byte(len(index))
			index[key] = i
			types.Write(binary.BigEndian.AppendUint32(nil, uint32(int32(offset))))
			types.Write([]byte{byte(key[1]), 0})
		}
		return i
	}
	// The first type holds before the first onset, and only there: package
	// time takes one that no onset uses for it.
	index[[2]int{1 << 30, 0}] = 0
	types.Write(binary.BigEndian.AppendUint32(nil, uint32(int32(onsets[0].from))))
	types.Write([]byte{0, 0})

	var times, used bytes.Buffer
	for _, o := range onsets {
		times.Write(binary.BigEndian.AppendUint64(nil, uint64(o.at)))
		used.WriteByte(typeOf(o.to, o.daylight))
		if len(index) > 200 {
			return nil, errors.New("more than 200 offsets from UTC")
		}
	}
	return tzif(len(onsets), len(index), [][]byte{times.Bytes(), used.Bytes(), types.Bytes()}, footer), nil
}

// fixedTZif writes a zone of one offset.
func fixedTZif(offset int) []byte {
	only := append(binary.BigEndian.AppendUint32(nil, uint32(int32(offset))), 0, 0)
	return tzif(0, 1, [][]byte{only}, "")
}

// tzif puts together a header, its data block and a footer. The block of the
// 32-bit version before it, which nobody reads any more, is empty.
func tzif(times, types int, data [][]byte, footer string) []byte {
	const abbreviations = "-\x00" // all there is: nothing shows them
	header := func(counts ...uint32) []byte {
		h := append([]byte("TZif2"), make([]byte, 15)...)
		for _, n := range counts {
			h = binary.BigEndian.AppendUint32(h, n)
		}
		return h
	}
	all := append(header(0, 0, 0, 0, 0, 0), header(0, 0, 0, uint32(times), uint32(types), uint32(len(abbreviations)))...)
	all = append(all, bytes.Join(data, nil)...)
	return append(all, abbreviations+"\n"+footer+"\n"...)
}

// posixOffset writes an offset as POSIX does, where west is positive, with a
// name in front.
func posixOffset(seconds int) string {
	sign, abs := "-", seconds
	if seconds < 0 {
		sign, abs = "", -seconds
	}
	return fmt.Sprintf("<%+03d>%s%d:%02d:%02d", seconds/60, sign, abs/3600, abs/60%60, abs%60)
}
