module roadtest/components/pause

go 1.26.0
