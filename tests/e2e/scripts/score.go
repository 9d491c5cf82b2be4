// A client in Go's own words: score URI KEY FILE. Proxy and certificate authorities come from the environment.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
)

func main() {
	file, err := os.Open(os.Args[3])
	check(err)
	request, err := http.NewRequest(http.MethodPost, os.Args[1], file)
	check(err)
	request.Header.Set("Authorization", "Bearer "+os.Args[2])
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	check(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	check(err)
	fmt.Println(answer.StatusCode, string(text))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
