// Command pgp changes OpenPGP messages for the cases of tampering, and makes what messages hold.
//
//	pgp message CHANGE <armored >armored    changes a message that gpg encrypted
//	pgp armor CHANGE <armored >text         changes its text form
//	pgp inner FORM <data >packets           writes data as gpg --no-literal encrypts it
package main

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"strings"
)

const (
	tagSessionKey = 1
	tagCompressed = 8
	tagPlainly    = 9
	tagMarker     = 10
	tagLiteral    = 11
	tagProtected  = 18
)

type packet struct {
	tag  byte
	body []byte
}

func main() {
	input, err := io.ReadAll(os.Stdin)
	check(err)
	if len(os.Args) != 3 {
		check(fmt.Errorf("usage: pgp message|armor|inner WHAT"))
	}
	what := os.Args[2]
	var output []byte
	switch os.Args[1] {
	case "message":
		output = []byte(armored(changeMessage(what, dearmored(string(input)))))
	case "armor":
		output = []byte(changeArmor(what, string(input)))
	case "inner":
		output = inner(what, input)
	default:
		err = fmt.Errorf("unknown command %q", os.Args[1])
	}
	check(err)
	_, err = os.Stdout.Write(output)
	check(err)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func unknown(what string) { check(fmt.Errorf("unknown change %q", what)) }

// split reads packets with lengths of one, two and four octets, in both styles.
func split(data []byte) (packets []packet) {
	for len(data) > 0 {
		first := data[0]
		var tag byte
		length, start := 0, 2
		if first&0x40 != 0 {
			tag = first & 0x3f
			switch {
			case data[1] < 192:
				length = int(data[1])
			case data[1] < 224:
				length, start = (int(data[1])-192)<<8+int(data[2])+192, 3
			default:
				check(fmt.Errorf("a length that is not supported"))
			}
		} else {
			tag = first & 0x3c >> 2
			switch first & 3 {
			case 0:
				length = int(data[1])
			case 1:
				length, start = int(data[1])<<8+int(data[2]), 3
			default:
				check(fmt.Errorf("a length that is not supported"))
			}
		}
		packets = append(packets, packet{tag, bytes.Clone(data[start : start+length])})
		data = data[start+length:]
	}
	return packets
}

// join writes packets in the new style with lengths of five octets.
func join(packets ...packet) (out []byte) {
	for _, p := range packets {
		n := len(p.body)
		out = append(out, 0xc0|p.tag, 0xff, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
		out = append(out, p.body...)
	}
	return out
}

func changeMessage(what string, data []byte) []byte {
	packets := split(data)
	last := &packets[len(packets)-1]
	key := &packets[0]
	switch what {
	case "none":
	case "session-key":
		key.body[len(key.body)-1] ^= 1
	case "key-id":
		key.body[8] ^= 1
	case "key-id-hidden":
		copy(key.body[1:9], make([]byte, 8))
	case "algorithm":
		key.body[9] = 16
	case "key-version":
		key.body[0] = 4
	case "no-recipient":
		packets = packets[1:]
	case "recipient-twice":
		packets = append([]packet{*key}, packets...)
	case "recipient-unknown-first":
		other := packet{tagSessionKey, bytes.Clone(key.body)}
		other.body[0] = 9
		packets = append([]packet{other}, packets...)
	case "recipient-broken-first":
		other := packet{tagSessionKey, bytes.Clone(key.body)}
		other.body[len(other.body)-1] ^= 1
		packets = append([]packet{other}, packets...)
	case "recipient-after":
		packets = append(packets[1:], packets[0])
	case "data":
		last.body[len(last.body)/2] ^= 1
	case "data-prefix":
		last.body[5] ^= 1
	case "checksum":
		last.body[len(last.body)-1] ^= 1
	case "version":
		last.body[0] = 9
	case "unprotected":
		last.tag, last.body = tagPlainly, last.body[1:]
	case "cut":
		whole := join(packets...)
		return whole[:len(whole)-10]
	case "cut-short":
		last.body = last.body[:len(last.body)-10]
	case "cut-checksum":
		last.body = last.body[:len(last.body)-22]
	case "empty":
		last.body = last.body[:1]
	case "tail":
		return append(join(packets...), 0, 1, 2)
	case "tail-literal":
		packets = append(packets, literal('b', []byte("0123456789abcdef0123456789abcdef")))
	case "lead-literal":
		packets = append([]packet{literal('b', []byte("0123456789abcdef0123456789abcdef"))}, packets...)
	case "lead-marker":
		packets = append([]packet{{tagMarker, []byte("PGP")}}, packets...)
	case "lead-unknown":
		packets = append([]packet{{60, []byte("anything")}}, packets...)
	case "twice":
		packets = append(packets, packets...)
	case "only-literal":
		packets = []packet{literal('b', []byte("0123456789abcdef0123456789abcdef"))}
	case "partial":
		return partial(packets)
	default:
		unknown(what)
	}
	return join(packets...)
}

// partial writes the last packet in parts of 64 octets.
func partial(packets []packet) []byte {
	last := packets[len(packets)-1]
	out := append(join(packets[:len(packets)-1]...), 0xc0|last.tag)
	for len(last.body) > 64 {
		out = append(append(out, 0xe0|6), last.body[:64]...)
		last.body = last.body[64:]
	}
	return append(append(out, byte(len(last.body))), last.body...)
}

func literal(mode byte, data []byte) packet {
	return packet{tagLiteral, append([]byte{mode, 0, 0, 0, 0, 0}, data...)}
}

func compressed(algorithm byte, data []byte) packet {
	var out bytes.Buffer
	out.WriteByte(algorithm)
	var writer io.WriteCloser
	switch algorithm {
	case 1:
		writer, _ = flate.NewWriter(&out, flate.BestCompression)
	case 2:
		writer = zlib.NewWriter(&out)
	default:
		out.Write(data)
		return packet{tagCompressed, out.Bytes()}
	}
	_, err := writer.Write(data)
	check(err)
	check(writer.Close())
	return packet{tagCompressed, out.Bytes()}
}

func nested(times int, data []byte) []byte {
	out := join(literal('b', data))
	for range times {
		out = join(compressed(2, out))
	}
	return out
}

func inner(what string, data []byte) []byte {
	plain := literal('b', data)
	switch what {
	case "binary":
		return join(plain)
	case "text":
		return join(literal('t', data))
	case "utf8":
		return join(literal('u', data))
	case "local":
		return join(literal('l', data))
	case "unknown-mode":
		return join(literal('x', data))
	case "named":
		return join(packet{tagLiteral, append([]byte("b\x08_CONSOLE\x00\x00\x00\x00"), data...)})
	case "two-literals":
		return join(literal('b', data[:16]), literal('b', data[16:]))
	case "literal-and-marker":
		return join(plain, packet{tagMarker, []byte("PGP")})
	case "marker-and-literal":
		return join(packet{tagMarker, []byte("PGP")}, plain)
	case "literal-and-unknown":
		return join(plain, packet{60, []byte("anything")})
	case "literal-and-garbage":
		return append(join(plain), 0, 1, 2)
	case "nothing":
		return join(packet{tagMarker, []byte("PGP")})
	case "bare":
		return data
	case "cut":
		whole := join(plain)
		return whole[:len(whole)-5]
	case "long":
		return join(literal('b', bytes.Repeat(data, 3)))
	case "short":
		return join(literal('b', data[:31]))
	case "none-inside":
		return join(literal('b', nil))
	case "stored":
		return join(compressed(0, join(plain)))
	case "zip":
		return join(compressed(1, join(plain)))
	case "unknown-compression":
		return join(compressed(9, join(plain)))
	case "compressed-and-literal":
		return join(compressed(2, join(plain)), plain)
	case "compressed-cut":
		p := compressed(2, join(plain))
		p.body = p.body[:len(p.body)-8]
		return join(p)
	case "nested-2":
		return nested(2, data)
	case "nested-6":
		return nested(6, data)
	case "nested-60":
		return nested(60, data)
	case "bomb":
		return nested(2, make([]byte, 64<<20))
	}
	unknown(what)
	return nil
}

func dearmored(text string) []byte {
	_, text, _ = strings.Cut(strings.ReplaceAll(text, "\r", ""), "\n\n")
	text, _, _ = strings.Cut(text, "\n=")
	data, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(text, "\n", ""))
	check(err)
	return data
}

func armored(data []byte) string {
	crc := uint32(0xb704ce)
	for _, octet := range data {
		crc ^= uint32(octet) << 16
		for range 8 {
			if crc <<= 1; crc&0x1000000 != 0 {
				crc ^= 0x1864cfb
			}
		}
	}
	text := base64.StdEncoding.EncodeToString(data)
	var lines strings.Builder
	lines.WriteString("-----BEGIN PGP MESSAGE-----\n\n")
	for len(text) > 64 {
		lines.WriteString(text[:64] + "\n")
		text = text[64:]
	}
	sum := base64.StdEncoding.EncodeToString([]byte{byte(crc >> 16), byte(crc >> 8), byte(crc)})
	return lines.String() + text + "\n=" + sum + "\n-----END PGP MESSAGE-----\n"
}

func changeArmor(what, text string) string {
	text = strings.TrimSpace(text) + "\n"
	head, rest, _ := strings.Cut(text, "\n\n")
	body, tail, _ := strings.Cut(rest, "\n=")
	sum, end, _ := strings.Cut(tail, "\n")
	switch what {
	case "none":
	case "headers":
		head += "\nVersion: GnuPG v2\nComment: made by hand\nCharset: utf-8"
	case "header-without-value":
		head += "\nComment:"
	case "header-without-colon":
		head += "\nanything goes"
	case "no-empty-line":
		return head + "\n" + rest
	case "sum-wrong":
		sum = "AAAA"
	case "sum-none":
		return head + "\n\n" + body + "\n" + end
	case "sum-short":
		sum = "AA"
	case "no-end":
		return head + "\n\n" + body + "\n=" + sum + "\n"
	case "no-sum-no-end":
		return head + "\n\n" + body + "\n"
	case "other-end":
		end = strings.Replace(end, "MESSAGE", "SIGNATURE", 1)
	case "other-kind":
		text = strings.ReplaceAll(text, "MESSAGE", "SIGNATURE")
		return text
	case "unknown-kind":
		return strings.ReplaceAll(text, "MESSAGE", "LETTER")
	case "public-kind":
		return strings.ReplaceAll(text, "MESSAGE", "PUBLIC KEY BLOCK")
	case "around":
		return "some text\n" + text + "more text\n"
	case "indented":
		return "  " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n  ") + "\n"
	case "windows":
		return strings.ReplaceAll(text, "\n", "\r\n")
	case "spaces":
		return strings.ReplaceAll(text, "\n", "  \t\n")
	case "one-line":
		body = strings.ReplaceAll(body, "\n", "")
	case "short-lines":
		body = strings.Join(strings.Split(strings.ReplaceAll(body, "\n", ""), ""), "\n")
	case "empty-line-inside":
		body = strings.Replace(body, "\n", "\n\n", 1)
	case "other-characters":
		body = body[:20] + "*!" + body[20:]
	case "sum-on-last-line":
		return head + "\n\n" + body + "=" + sum + "\n" + end
	case "text-after-sum":
		sum += "\nanything"
	case "padding-inside":
		body = body[:20] + "=" + body[20:]
	case "changed":
		body = body[:30] + map[bool]string{true: "B", false: "A"}[body[30] == 'A'] + body[31:]
	case "twice":
		return text + text
	case "nothing":
		return ""
	case "no-armor":
		return "just a text\n"
	default:
		unknown(what)
	}
	return head + "\n\n" + body + "\n=" + sum + "\n" + end
}
