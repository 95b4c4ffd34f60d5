package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

const (
	maxBody      = 1 << 30          // bytes read of a request
	maxBodyShown = 4096             // bytes of it shown in the answer
	maxDelay     = 10 * time.Minute // longest ?delay= and ?interval=
	maxSize      = 1 << 30          // most bytes of ?size=
)

// Who answers.  Pod and Namespace stay empty outside of a cluster.
type identity struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace,omitempty"`
	Pod       string `json:"pod,omitempty"`
}

type tlsSeen struct {
	Version    string `json:"version"`
	ServerName string `json:"serverName"`
	ALPN       string `json:"alpn"`
	Client     string `json:"clientSubject,omitempty"`
}

// The answer to every request that asks for nothing else.
type seen struct {
	identity
	Local   string              `json:"local"`
	Remote  string              `json:"remote"`
	Proto   string              `json:"proto"`
	Method  string              `json:"method"`
	Host    string              `json:"host"`
	Target  string              `json:"target"` // as it came, never cleaned
	Headers map[string][]string `json:"headers"`
	TLS     *tlsSeen            `json:"tls,omitempty"`
	Length  int64               `json:"bodyLength"`
	Digest  string              `json:"bodySha256"`
	Body    string              `json:"body,omitempty"`
}

func describe(who identity, r *http.Request) *seen {
	answer := &seen{
		identity: who,
		Remote:   r.RemoteAddr,
		Proto:    r.Proto,
		Method:   r.Method,
		Host:     r.Host,
		Target:   r.RequestURI,
		Headers:  r.Header,
	}
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		answer.Local = local.String()
	}
	if r.TLS != nil {
		answer.TLS = &tlsSeen{
			Version:    tls.VersionName(r.TLS.Version),
			ServerName: r.TLS.ServerName,
			ALPN:       r.TLS.NegotiatedProtocol,
		}
		if len(r.TLS.PeerCertificates) > 0 {
			answer.TLS.Client = r.TLS.PeerCertificates[0].Subject.String()
		}
	}
	return answer
}

func (s *seen) readBody(body io.Reader) error {
	digest := sha256.New()
	head := make([]byte, 0, maxBodyShown)
	buffer := make([]byte, 32*1024)
	limited := io.LimitReader(body, maxBody)
	for {
		n, err := limited.Read(buffer)
		digest.Write(buffer[:n])
		s.Length += int64(n)
		head = append(head, buffer[:min(n, maxBodyShown-len(head))]...)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	s.Digest = hex.EncodeToString(digest.Sum(nil))
	if s.Length <= maxBodyShown && utf8.Valid(head) {
		s.Body = string(head)
	}
	return nil
}

// Waits, and tells whether the client is still there afterwards.
func pause(ctx context.Context, length time.Duration) bool {
	timer := time.NewTimer(min(length, maxDelay))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func duration(query url.Values, name string, fallback time.Duration) time.Duration {
	value := query.Get(name)
	if parsed, err := time.ParseDuration(value); err == nil {
		return parsed
	}
	if ms, err := strconv.Atoi(value); err == nil {
		return time.Duration(ms) * time.Millisecond
	}
	return fallback
}

func number(query url.Values, name string, highest int) int {
	value, err := strconv.Atoi(query.Get(name))
	if err != nil || value < 0 {
		return 0
	}
	return min(value, highest)
}

// The status asked for by ".../status/N" or "?status=N", else 200.
func status(r *http.Request, query url.Values) int {
	code := number(query, "status", 999)
	if _, after, found := strings.Cut(r.URL.Path, "/status/"); found {
		code, _ = strconv.Atoi(after)
	}
	if code < 200 || code > 999 {
		return http.StatusOK
	}
	return code
}

// Takes the connection away without an answer, as a killed process does.
func abort(w http.ResponseWriter) {
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	connection, _, err := hijacker.Hijack()
	if err != nil {
		return
	}
	if secure, ok := connection.(*tls.Conn); ok {
		connection = secure.NetConn()
	}
	if tcp, ok := connection.(*trackedConn); ok {
		tcp.SetLinger(0)
	}
	connection.Close()
}

// Echoes every message; with ?hello the first message is what was seen.
func serveWebSocket(w http.ResponseWriter, r *http.Request, answer *seen) {
	upgrader := websocket.Upgrader{
		CheckOrigin:  func(*http.Request) bool { return true },
		Subprotocols: websocket.Subprotocols(r),
	}
	header := http.Header{"X-Echo-Name": w.Header()["X-Echo-Name"]}
	connection, err := upgrader.Upgrade(w, r, header)
	if err != nil {
		return
	}
	defer connection.Close()
	if r.URL.Query().Has("hello") && connection.WriteJSON(answer) != nil {
		return
	}
	for {
		kind, message, err := connection.ReadMessage()
		if err != nil || connection.WriteMessage(kind, message) != nil {
			return
		}
	}
}

func writeBody(w http.ResponseWriter, r *http.Request, query url.Values, answer *seen) {
	if size := number(query, "size", maxSize); size > 0 {
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Length", strconv.Itoa(size))
		w.WriteHeader(status(r, query))
		block := make([]byte, 32*1024)
		for size > 0 {
			n, err := w.Write(block[:min(size, len(block))])
			if err != nil {
				return
			}
			size -= n
		}
		return
	}
	body, err := json.MarshalIndent(answer, "", "  ")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	body = append(body, '\n')
	w.Header().Set("Content-Type", "application/json")
	chunks := number(query, "chunks", 1<<20)
	if chunks == 0 {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status(r, query))
	for i := 0; i < chunks; i++ {
		if _, err := io.WriteString(w, "chunk "+strconv.Itoa(i)+"\n"); err != nil {
			return
		}
		http.NewResponseController(w).Flush()
		if !pause(r.Context(), duration(query, "interval", 100*time.Millisecond)) {
			return
		}
	}
	w.Write(body)
}

func (who identity) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	answer := describe(who, r)
	header := w.Header()
	header.Set("X-Echo-Name", who.Name)
	header.Set("X-Echo-Pod", who.Pod)
	header.Set("X-Echo-Local", answer.Local)
	for _, line := range query["header"] {
		if name, value, found := strings.Cut(line, ":"); found {
			header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
		}
	}
	if query.Has("close") {
		header.Set("Connection", "close")
	}
	if websocket.IsWebSocketUpgrade(r) {
		serveWebSocket(w, r, answer)
		return
	}
	if !query.Has("unread") {
		if err := answer.readBody(r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	if !pause(r.Context(), duration(query, "delay", 0)) {
		return
	}
	if query.Has("abort") {
		abort(w)
		return
	}
	writeBody(w, r, query, answer)
}

func selfSigned() (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: "echo"},
		DNSNames:     []string{"echo"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(10 * 24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
