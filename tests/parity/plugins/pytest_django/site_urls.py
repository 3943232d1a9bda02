from django.contrib.auth.models import User
from django.http import HttpResponse
from django.urls import path


def count(request):
    return HttpResponse(f"{User.objects.count()} users")


urlpatterns = [path("count/", count)]
