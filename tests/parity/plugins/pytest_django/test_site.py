import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import TestCase


@pytest.mark.django_db
@pytest.mark.parametrize("n", range(4))
def test_same_name_in_each_test(n):
    User.objects.create_user("name")
    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_transaction():
    User.objects.create_user("committed")


@pytest.mark.django_db
def test_client(client):
    User.objects.create_user("one")
    assert client.get("/count/").content == b"1 users"


@pytest.mark.django_db
def test_fails():
    assert User.objects.count() == 1


def test_no_database():
    User.objects.count()


def test_mail(mailoutbox):
    mail.send_mail("subject", "body", "from@example.org", ["to@example.org"])
    assert len(mailoutbox) == 1


def test_settings(settings):
    settings.SECRET_KEY = "other"
    assert settings.SECRET_KEY == "other"


class Users(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.user = User.objects.create_user("of class")

    def test_user(self):
        self.assertEqual(User.objects.get(), self.user)

    def test_queries(self):
        with self.assertNumQueries(1):
            list(User.objects.all())
