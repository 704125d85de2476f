"""Mutation of conditions: is there a unit test for every one of them?"""
