//! Every route, and who may use it. A route that is not in the table fails the test, so that nobody adds one unseen.
